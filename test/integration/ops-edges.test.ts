import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const env = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  ENV_FILE: "/dev/null",
  ENGINE: "process",
  STACK: "never-up",
};

/** Runs make on a stack that was never up, with an empty standard input. */
function make(args: readonly string[], more: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...env, ...more } };
    const child = execFile("make", args, options, (_, stdout, stderr) => resolve({ stdout, stderr }));
    child.stdin?.end();
  });
}

const dir = mkdtempSync(join(tmpdir(), "edges-"));
const refused = `test-refused-${process.pid}`;
afterAll(() => {
  rmSync(dir, { recursive: true });
  rmSync(join(root, ".stack", refused), { recursive: true, force: true });
});

test.each([
  ...["status", "logs", "urls", "open", "board", "heal", "roll", "watch-backplane", "game-day", "soak", "kill-node"],
  ...["start-node", "pause-node", "drain-node", "undrain-node", "partition-node", "slow-node", "crash-node"],
  ...["kill-redis", "slow-redis", "kill-proxy", "restart-proxy", "scale N=4", "provoke ALERT=ProxyDown"],
])("make %s before make up says so in one line, and what to do", async (line) => {
  const { stdout, stderr } = await make(line.split(" "));
  const said = `${stdout}${stderr}`.split("\n").filter((one) => one !== "" && !/^make: \*\*\*/.test(one));
  expect(said).toEqual([expect.stringMatching(/^((make|ops): )?the stack "never-up" is not up: make up$/)]);
});

const oneRedis = "is for the replicas of the kit: an application gets the address of one Redis";
/** Files that `APP` may name. */
const apps = { chat: join(root, "examples/chat/app.env"), "image-only": join(dir, "image-only.env") };
writeFileSync(apps["image-only"], "APP_IMAGE=chat\n");

test.each([
  ["REDIS=cluster BACKPLANE=pubsub", "REDIS=cluster needs BACKPLANE=sharded, not pubsub: leave BACKPLANE out"],
  ["REDIS=cluster BACKPLANE=streams", "REDIS=cluster needs BACKPLANE=sharded, not streams: leave BACKPLANE out"],
  ["REDIS=cluster BACKPLANE=nats", "REDIS=cluster needs BACKPLANE=sharded, not nats: leave BACKPLANE out"],
  ["REDIS=sentinel BACKPLANE=nats", "BACKPLANE=nats uses no Redis: leave REDIS=sentinel out"],
  ["REDIS=cluster APP=chat", `REDIS=cluster ${oneRedis}`],
  ["REDIS=sentinel APP=chat", `REDIS=sentinel ${oneRedis}`],
  ["BACKPLANE=nats APP=chat", `BACKPLANE=nats ${oneRedis}`],
  ["APP=image-only", `${apps["image-only"]} has no APP_COMMAND: ENGINE=process needs one`],
])("up with %s is refused in one line, and leaves no stack that was never up", async (settings, said) => {
  const given = Object.fromEntries(settings.split(" ").map((one) => one.split("=") as [string, string]));
  if (given["APP"] !== undefined) given["APP"] = apps[given["APP"] as keyof typeof apps];
  const more = { STACK: refused, ...given };
  const up = spawn(process.execPath, ["ops/cli.ts", "up"], { cwd: root, env: { ...env, ...more } });
  const ended = once(up, "close");
  const lines = (await text(up.stderr)).trimEnd().split("\n");
  expect([(await ended)[0], lines]).toEqual([2, [`ops: ${said}`]]);
  expect(existsSync(join(root, ".stack", refused, "stack.json"))).toBe(false);
  expect((await make(["status"], { STACK: refused })).stdout).toBe(`the stack "${refused}" is not up: make up\n`);
  expect((await make(["down"], { STACK: refused })).stdout).toBe(`the stack "${refused}" is not up\n`);
});

test("a closed output pipe ends the command without an error message", async () => {
  const child = spawn("sh", ["-c", "node ops/cli.ts drills | head -1"], {
    cwd: root,
    env: { ...env, PATH: `${join(root, "node_modules/.bin")}:${env.PATH}` },
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  await once(child, "close");
  expect(said.trimEnd().split("\n")).toEqual([expect.stringMatching(/^kill-node /)]);
});

test("what a command prints cannot act on the terminal", () => {
  const stack = `hostile-report-${process.pid}`;
  const dir = join(root, "reports", `0000-${stack}`);
  mkdirSync(dir, { recursive: true });
  try {
    writeFileSync(join(dir, "report.json"), JSON.stringify({ stack }));
    writeFileSync(join(dir, "report.md"), "a peer\u001b[2J\u009b31m\u202eof\nroom x");
    const PATH = `${join(root, "node_modules/.bin")}:${env.PATH}`;
    const said = execFileSync("node", ["ops/cli.ts", "report"], { cwd: root, env: { ...env, PATH, STACK: stack } });
    expect(String(said)).toMatch(/^a peer\\u001b\[2J\\u009b31m\\u202eof\nroom x\nopen /);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
