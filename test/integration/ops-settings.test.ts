import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "settings-"));
afterAll(() => rmSync(dir, { recursive: true }));
const file = join(dir, "settings");

/** The scripts' result for a file with this text: the value of X in brackets, or the refusal. */
function read(text: string, env: Record<string, string> = {}): string {
  writeFileSync(file, text);
  const script = `. ops/sh/common.sh; load_env "$0"; printf '[%s]' "\${X-unset}"`;
  const { stdout, stderr } = spawnSync("sh", ["-c", script, file], {
    cwd: root,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  return stderr === "" ? stdout : stderr.replace(`${file}, `, "");
}

test.each([
  ["plain", "X=one", "[one]"],
  ["carriage returns", "A=1\r\nX=one\r\n", "[one]"],
  ["a byte order mark", "\ufeffX=one\n", "[one]"],
  ["export", "export X=one\n", "[one]"],
  ["blanks around", "  X \t=  one two \t\n", "[one two]"],
  ["a comment behind", "X=one # why\n", "[one]"],
  ["a # inside", "X=one#two\n", "[one#two]"],
  ["double quotes", 'X="one # two"  # why\n', "[one # two]"],
  ["single quotes", `X='$one "two\\'\n`, `[$one "two\\]`],
  ["comments and empty lines", "\n # X=no\n\nX=one\n#X=no", "[one]"],
  ["nothing", "X=\n", "[]"],
  ["small letters", "x=no\nX=one", "[one]"],
  ["no line feed at the end", "X=one", "[one]"],
])("%s is read as Compose reads it", (_, text, wanted) => {
  expect(read(text)).toBe(wanted);
});

test.each([
  ["an open quote", 'A=1\nX="one\n', "make: line 2, has no closing quote\n"],
  ["text behind a quote", "X='one'two\n", "make: line 1, goes on behind its closing quote\n"],
  ["a reference", "X=$HOME/x\n", "make: line 1, has a $, which Compose replaces: quote the value with single quotes\n"],
  [
    "an escape",
    'X="a\\nb"\n',
    "make: line 1, has \\ or $ between double quotes, which Compose replaces: use single ones\n",
  ],
  ["no equals sign", "\nX one\n", "make: line 2, is no NAME=value\n"],
  ["a name that is none", "1X=one\n", "make: line 1, has no name of a variable before =\n"],
  [
    "a value that begins as a comment",
    "X= # why\n",
    "make: line 1, has a value that begins with #: quote it, or write nothing behind =\n",
  ],
])("%s is named with its line", (_, text, wanted) => {
  expect(read(text)).toBe(wanted);
});

test("the environment wins over the file", () => {
  expect(read("X=file\n", { X: "shell" })).toBe("[shell]");
});

test("containers can read their mounts after a clone under any umask", () => {
  const mounted = join(dir, "mounted");
  execFileSync("sh", ["-c", `umask 077; mkdir -p "$0/deep"; echo x >"$0/deep/file"`, mounted]);
  const run = () => spawnSync("sh", ["ops/sh/mounts.sh", mounted], { cwd: root, encoding: "utf8" }).stdout;
  expect(run()).toBe(`made readable for containers: ${mounted}\n`);
  expect([mounted, join(mounted, "deep")].map((path) => statSync(path).mode & 0o777)).toEqual([0o755, 0o755]);
  expect(statSync(join(mounted, "deep", "file")).mode & 0o777).toBe(0o644);
  expect(run()).toBe("");
});

test("new secrets are closed to other users under any umask, and a newline at a secret's end is ignored", () => {
  const checkout = join(dir, "checkout");
  execFileSync("sh", ["-c", 'mkdir -p "$0" && cp -r ops "$0"', checkout], { cwd: root });
  for (const umask of ["000", "077"]) {
    execFileSync("sh", ["-c", `umask ${umask}; rm -rf .secrets; sh ops/sh/secrets.sh`], { cwd: checkout });
    expect(statSync(join(checkout, ".secrets")).mode & 0o777).toBe(0o700);
    expect(statSync(join(checkout, ".secrets/ADMIN_TOKEN")).mode & 0o777).toBe(0o644);
  }
  const awkward = `p"a\\s's $#`;
  writeFileSync(join(checkout, ".secrets/REDIS_WATCH_PASSWORD"), `${awkward}\r\n\n`);
  execFileSync("sh", ["ops/sh/secrets.sh"], { cwd: checkout });
  const json = execFileSync("cat", [join(checkout, ".secrets/redis-exporter.json")], { encoding: "utf8" });
  const servers = ["redis", ...[2, 3, 4, 5, 6].map((n) => `redis-${n}`)].map((server) => [
    `redis://watch@${server}:6379`,
    awkward,
  ]);
  expect(JSON.parse(json)).toEqual(Object.fromEntries(servers));
});
