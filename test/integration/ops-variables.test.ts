import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "variables-"));
afterAll(() => rmSync(dir, { recursive: true }));
/** A file that no value may create. */
const canary = join(dir, "canary");

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs make on a stack that does not exist, with only these variables in the environment. */
function make(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const plain = { PATH: process.env["PATH"] ?? "", HOME: dir, ENV_FILE: "/dev/null" };
  return new Promise((resolve) => {
    execFile(
      "make",
      args,
      { cwd: root, env: { ...plain, ENGINE: "process", STACK: "no-such-stack", ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const touch = `touch ${canary}`;
const payloads = {
  semicolon: `a;${touch}`,
  "command substitution": `a$(${touch})\`${touch}\``,
  "make's own function": `$(shell ${touch})`,
  "make's own function, twice expanded": `$$(shell ${touch})\${shell ${touch}}`,
  "quotes closed": `';${touch};'";${touch};"`,
  "pipe, background, redirection": `a|${touch}&${touch}>${canary}`,
  newline: `a\n${touch}\n\t${touch}`,
  "an option": `--eval=$(shell ${touch})`,
};

const scripts = readFileSync(join(root, "ops/sh/variables.sh"), "utf8");
const ofTargets = /^target_variables="([^"]+)"/m.exec(scripts)?.[1]?.split(" ") ?? [];
const ofStacks = [...readFileSync(join(root, ".env.example"), "utf8").matchAll(/^#([A-Z][A-Z0-9_]*)=/gm)].map(
  ([, name = ""]) => name,
);
const makefile = readFileSync(join(root, "Makefile"), "utf8");
/** Recipe lines with their targets. */
const recipes = [...makefile.matchAll(/^([a-z][a-z-]*):.*\n\t(.+)$/gm)].map(([, target = "", recipe = ""]) => ({
  target,
  recipe,
}));
const checked = /^@\$\((?:checked|stack)\) [a-z][a-z/. -]*$/;
const targets = recipes.filter(({ recipe }) => checked.test(recipe)).map(({ target }) => target);

/** Runs several at a time. */
async function each<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** No command ran. A refusal is one line that describes the allowed values. */
function expectHarmless(name: string, { code, stderr }: Outcome): void {
  expect([name, existsSync(canary)]).toEqual([name, false]);
  const said = stderr.split("\n").filter((line) => line !== "" && !/^make(\[\d+\])?: \*\*\*/.test(line));
  expect([name, said.length <= 1]).toEqual([name, true]);
  // With an accepted value the command reports that the stack is not up.
  const refused =
    /^(make: [A-Z0-9_]+=[ -~]*: must be |make: [^\n]*, line \d+, |make: the stack "[a-z-]+" is not up: make up$)/;
  if (code !== 0) expect(said[0]).toMatch(refused);
}

test("every recipe runs a script that first checks the variables, and contains no variable", () => {
  const others = recipes.filter(({ recipe }) => !checked.test(recipe)).map(({ target }) => target);
  expect(others).toEqual(["help"]);
  expect(makefile).not.toMatch(/^\t.*\$[({][A-Z]/m);
});

test("the lists of variables and targets are not empty", () => {
  expect(ofTargets).toEqual(expect.arrayContaining(["NODE", "ROOM", "SOCKETIO_REPO"]));
  expect(ofStacks).toEqual(expect.arrayContaining(["OVERLAYS", "BACKPLANE", "TLS_NAMES"]));
  expect(targets).toEqual(expect.arrayContaining(["logs", "token", "certs", "test-compose"]));
});

/** One value contains all of them, so that each can expose a leak. */
const combined = Object.values(payloads).join(" ");

test.each(Object.entries(payloads))(
  "a value with %s runs nothing in any variable of a target",
  async (_, payload) => {
    const names = [...ofTargets, "STACK", "ENGINE", "PORT_BASE", "ENV_FILE", "OVERLAYS", "NO_SUCH_VARIABLE"];
    await each(names, async (name) => expectHarmless(name, await make(["urls", `${name}=${payload}`])));
  },
  120_000,
);

test("nor does any that comes by the environment", async () => {
  await each([...ofTargets, "STACK", "ENGINE", "PORT_BASE", "ENV_FILE", "OVERLAYS"], async (name) =>
    expectHarmless(name, await make(["urls"], { [name]: combined })),
  );
}, 120_000);

test("nor does any target, with every variable set to them", async () => {
  for (const payload of [combined, payloads["command substitution"], payloads["quotes closed"]]) {
    const all = [...ofTargets, "OVERLAYS", "NO_SUCH_VARIABLE"].map((name) => `${name}=${payload}`);
    await each(targets, async (target) => {
      const outcome = await make([target, ...all]);
      expectHarmless(target, outcome);
      expect([target, outcome.code]).toEqual([target, 2]);
    });
  }
}, 120_000);

test("no setting of the stack runs anything, from the command line or from the file of settings", async () => {
  const payload = `';${touch};'\`${touch}\`$(${touch})$(shell ${touch})`;
  const settings = join(dir, "settings");
  await each(ofStacks, async (name) => expectHarmless(name, await make(["urls", `${name}=${payload}`])));
  await each(ofStacks, async (name) => {
    writeFileSync(`${settings}-${name}`, `${name}=a;${touch};a\n`);
    expectHarmless(name, await make(["urls"], { ENV_FILE: `${settings}-${name}` }));
  });
  writeFileSync(settings, `X=${payload}\n`);
  expectHarmless("X", await make(["urls"], { ENV_FILE: settings }));
}, 120_000);

test("any room name is data", async () => {
  const rooms = [
    `';${touch};'`,
    `$(shell ${touch})`,
    `\`${touch}\``,
    "Ä é 🎉",
    "a/b c",
    "it's",
    '"',
    "--role=x",
    "$HOME",
    "a\\b",
    "*",
  ];
  await each(rooms, async (room) => {
    const { code, stdout } = await make(["token", `ROOM=${room}`]);
    expect([room, code]).toEqual([room, 0]);
    const [, claims = ""] = stdout.trim().split("\n").at(-1)?.split(".") ?? [];
    expect(JSON.parse(Buffer.from(claims, "base64url").toString("utf8"))).toMatchObject({ rooms: [room] });
    expect((await make(["logs", `ROOM=${room}`])).stderr).toMatch(
      /^ops: the stack "no-such-stack" is not up: make up\n/,
    );
  });
  expect(existsSync(canary)).toBe(false);
}, 120_000);

test.each([
  ["LEVEL=7", "one of trace debug info warn error fatal 1 2 3"],
  ["MINUTES=0", "a whole number from 1 to 10080"],
  ["PORT_BASE=70000", "a whole number from 0 to 50000"],
  ["MS=-5", "a whole number from 0 to 60000"],
  ["N=6", "a whole number from 1 to 5"],
  ["NODE=6", "1 to 5 (0 to 4 on kubernetes), or signaling-1 to signaling-5"],
  ["NODE=/bin/sh", "1 to 5 (0 to 4 on kubernetes), or signaling-1 to signaling-5"],
  ["PROXY_PORT=99999", "a whole number from 1 to 65535"],
  ["SEED=1e3", "a whole number from 0 to 1000000"],
  ["ONCE=maybe", "one of 0 1"],
  ["OVERLAYS=tls ../x", "directories of deploy/ with a compose.yaml"],
  ["TURN_RELAY_PORTS=5-1", "two ports, as 49160-49199"],
])("%s is refused with what is allowed", async (given, wanted) => {
  const { code, stderr } = await make(["urls", given]);
  expect(stderr.split("\n")[0]).toBe(`make: ${given}: must be ${wanted}`);
  expect(code).toBe(2);
});
