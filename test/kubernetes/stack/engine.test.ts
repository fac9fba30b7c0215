import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePortBase } from "../../support/free-port.ts";
import { kubectlWith } from "./kubernetes-stack.ts";

const root = join(import.meta.dirname, "../../..");
const run = promisify(execFile);
const stack = "made-by-make";
let settings: NodeJS.ProcessEnv;

/** Runs a make target on the stack; returns what it printed, and its exit code if it failed. */
async function make(...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run("make", args, { cwd: root, env: settings, maxBuffer: 16 << 20 });
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`make ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
}

beforeAll(async () => {
  settings = {
    ...process.env,
    ENGINE: "kubernetes",
    STACK: stack,
    PORT_BASE: String(await freePortBase()),
    KUBECTL: join(import.meta.dirname, "old-kubectl.sh"),
    CLUSTER_KUBECTL: process.env["KUBECTL"],
    KUBE_CONTEXT: "test",
    KUBE_OVERLAY: "test/kubernetes/stack/overlay",
  };
  const printed = await make("up");
  expect(printed).toContain("is ready on the kubernetes engine");
});
afterAll(async () => {
  await make("down");
});

test("logs of one replica begin with its pod's name", async () => {
  const { stdout } = await run("sh", ["ops/sh/stack.sh", "logs", "--no-follow", "--node", "0"], {
    cwd: root,
    env: settings,
  });
  expect(stdout).toMatch(/^signaling-0 \| .*replica is ready/m);
  expect(stdout).not.toContain("signaling-1 |");
});

test("status lists every pod and the proxies' view", async () => {
  const printed = await make("status");
  for (const id of ["proxy", "proxy-2", "signaling-0", "signaling-1", "signaling-2", "redis", "caller"])
    expect(printed).toMatch(new RegExp(`^${id} +running`, "m"));
  expect(printed).toMatch(/^signaling-0 +running +ready/m);
});

test("what a cluster cannot do says so in one line and changes nothing", async () => {
  await expect(make("pause-node", "NODE=1")).rejects.toThrow("a cluster cannot freeze a pod");
  await expect(make("slow-node", "NODE=1")).rejects.toThrow("a cluster cannot slow a link");
  expect(await make("heal")).toContain("steady state");
});

// stack.test.ts rolls the proxies.
for (const drill of ["kill-node", "drain-node", "scale-out", "roll", "kill-one-proxy"])
  test(`the drill ${drill} passes, with a report`, async () => {
    const printed = await make("drill", `DRILL=${drill}`, "SEED=1", "CALLS=10");
    process.stdout.write(printed);
    expect(printed).toContain(`${drill}: passed`);
    expect(await make("report")).toContain(drill);
  });

test("redis is killed, the kubelet restarts it, and heal finds nothing to mend", async () => {
  await make("kill-redis");
  await make("start-redis");
  expect(await make("heal")).toContain("steady state");
});

test("down leaves nothing on the cluster and no process here", async () => {
  await make("down");
  expect(kubectlWith("", "get", "namespaces", "--output", "name")).not.toContain(stack);
  expect(existsSync(join(root, ".stack", stack, "forward.pid"))).toBe(false);
});
