import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const env = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  ENV_FILE: "/dev/null",
  ENGINE: "process",
  STACK: "never-up",
};

/** Runs make on a stack that was never up, with an empty standard input. */
function make(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile("make", args, { cwd: root, env }, (_, stdout, stderr) => resolve({ stdout, stderr }));
    child.stdin?.end();
  });
}

test.each([
  ...["status", "logs", "urls", "open", "board", "heal", "roll", "watch-backplane", "game-day", "soak", "kill-node"],
  ...["start-node", "pause-node", "drain-node", "undrain-node", "partition-node", "slow-node", "crash-node"],
  ...["kill-redis", "slow-redis", "kill-proxy", "restart-proxy", "scale N=4", "provoke ALERT=ProxyDown"],
])("make %s before make up says so in one line, and what to do", async (line) => {
  const { stdout, stderr } = await make(line.split(" "));
  const said = `${stdout}${stderr}`.split("\n").filter((one) => one !== "" && !/^make: \*\*\*/.test(one));
  expect(said).toEqual([expect.stringMatching(/^((make|ops): )?the stack "never-up" is not up: make up$/)]);
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
