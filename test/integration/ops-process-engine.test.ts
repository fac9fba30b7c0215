import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runAction } from "../../ops/chaos/actions.ts";
import { heal } from "../../ops/heal/heal.ts";
import { defaultPorts } from "../../ops/ports.ts";
import { identify } from "../../ops/process/identity.ts";
import { bringUp, takeDown } from "../../ops/process/up.ts";
import { askAdmin } from "../../ops/stack/http.ts";
import { replicaTable } from "../../ops/stack/replica-table.ts";
import { roll } from "../../ops/stack/roll.ts";
import { scale } from "../../ops/stack/scale.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

let stack: ProcessStack;
beforeAll(async () => {
  stack = await startProcessStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const states = async () => Object.fromEntries((await stack.engine.services()).map(({ id, state }) => [id, state]));
const routing = async (id: string) => (await replicaTable(stack.engine.endpoints)).find((row) => row.id === id)?.state;
const readyState = async (id: string) =>
  (await askAdmin<{ state: string }>(`${stack.engine.endpoints.replica(id).admin}/readyz`)).state;

test("every service of the stack is running and the proxy routes to all replicas", async () => {
  const now = await states();
  expect(Object.keys(now)).toEqual(expect.arrayContaining(["links", "proxy", "redis", "signaling-1", "signaling-3"]));
  expect(new Set(Object.values(now))).toEqual(new Set(["running"]));
  expect((await replicaTable(stack.engine.endpoints)).map((row) => row.state)).toEqual(["ready", "ready", "ready"]);
});

test("up on a running stack starts nothing", async () => {
  const before = JSON.stringify(stack.state.services());
  const said: string[] = [];
  await bringUp({ ...stack, print: (line) => said.push(line) });
  expect(said).toEqual([]);
  expect(JSON.stringify(stack.state.services())).toBe(before);
});

test("kill stops a replica, prints the command, and is done once; heal starts it again", async () => {
  const pid = stack.state.service("signaling-2")?.process?.pid ?? 0;
  const first = await runAction(stack, "kill", "signaling-2");
  expect(first).toMatchObject({ changed: true, typed: `kill -9 ${pid}` });
  expect((await states())["signaling-2"]).toBe("stopped");
  await until("the proxy ejects it", async () => (await routing("signaling-2")) === "down");
  expect((await runAction(stack, "kill", "signaling-2")).changed).toBe(false);
  expect(await heal(stack)).toEqual([expect.stringMatching(/^started signaling-2: .*services\/signaling\/main\.ts$/)]);
  expect(await routing("signaling-2")).toBe("ready");
  expect(await heal(stack)).toEqual([]);
});

test("pause freezes a service, resume continues it", async () => {
  await runAction(stack, "pause", "signaling-1");
  expect((await states())["signaling-1"]).toBe("paused");
  await until("the proxy ejects it", async () => (await routing("signaling-1")) === "down", { withinMs: 5_000 });
  await runAction(stack, "resume", "signaling-1");
  await until("it is back", async () => (await routing("signaling-1")) === "ready", { withinMs: 5_000 });
});

test("a partition degrades that replica alone, and heal ends it", async () => {
  await runAction(stack, "partition", "signaling-3");
  await until("it says so", async () => (await readyState("signaling-3")) === "degraded", { withinMs: 5_000 });
  expect(await readyState("signaling-1")).toBe("ready");
  expect(await stack.engine.impaired()).toEqual([{ id: "signaling-3", how: "cut off from the backplane" }]);
  await heal(stack);
  expect(await stack.engine.impaired()).toEqual([]);
  expect(await routing("signaling-3")).toBe("ready");
});

test("slow redis slows every replica's link; after a kill and start of redis all replicas reconnect", async () => {
  await runAction(stack, "slow", "redis", { latencyMs: 30, jitterMs: 5 });
  expect((await stack.engine.impaired()).map(({ how }) => how)).toEqual(Array(3).fill("slowed by 30 ± 5 ms"));
  await runAction(stack, "kill", "redis");
  await until("a replica says so", async () => (await readyState("signaling-1")) === "degraded", { withinMs: 5_000 });
  expect((await states())["signaling-1"]).toBe("running");
  await heal(stack);
  expect(await stack.engine.impaired()).toEqual([]);
});

test("a fourth replica gets sessions, survives a restart of the proxy, and is removed in order", async () => {
  const steps: string[] = [];
  await scale(stack, 4, (line) => steps.push(line));
  expect(await routing("signaling-4")).toBe("ready");
  await runAction(stack, "restart", "proxy");
  await until("the proxy knows it again", async () => (await routing("signaling-4")) === "ready");
  await scale(stack, 3, (line) => steps.push(line));
  expect(await routing("signaling-4")).toBeUndefined();
  expect((await states())["signaling-4"]).toBeUndefined();
  expect(steps).toEqual([expect.stringMatching(/^added signaling-4/), expect.stringMatching(/^removed signaling-4/)]);
  await expect(scale(stack, 6, () => undefined)).rejects.toThrow("N=6: a stack runs 1 to 5 replicas");
});

test("a roll restarts every replica and never has fewer than two ready", async () => {
  const pids = () => ["signaling-1", "signaling-2", "signaling-3"].map((id) => stack.state.service(id)?.process?.pid);
  const before = pids();
  let fewest = 3;
  let rolling = true;
  const watching = (async () => {
    while (rolling) {
      const table = await replicaTable(stack.engine.endpoints);
      fewest = Math.min(fewest, table.filter((row) => row.state === "ready").length);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const rolled: string[] = [];
  await roll(stack, (id) => rolled.push(id));
  rolling = false;
  await watching;
  expect(rolled).toEqual(["signaling-1", "signaling-2", "signaling-3"]);
  expect(pids().filter((pid) => before.includes(pid))).toEqual([]);
  expect(fewest).toBe(2);
});

test("an impossible action is refused in one line without effects", async () => {
  await expect(runAction(stack, "crash", "signaling-1")).rejects.toThrow(/no restart policy/);
  await expect(runAction(stack, "partition", "proxy")).rejects.toThrow(
    /partition works on replica, redis and nats, not on proxy: pause/,
  );
  await expect(runAction(stack, "kill", "signaling-9")).rejects.toThrow(/no such target: signaling-9 \(proxy, redis/);
  await expect(runAction(stack, "explode", "redis")).rejects.toThrow(/no such action: explode \(kill, /);
  await expect(runAction(stack, "drain", "redis")).rejects.toThrow("drain works on replica, not on redis");
  expect(existsSync(join(stack.state.dir, "broken.json"))).toBe(false);
});

test("a pid that now belongs to another process is never signalled", async () => {
  const record = stack.state.service("signaling-1");
  const innocent = spawn("sleep", ["60"]);
  const pid = innocent.pid ?? 0;
  try {
    stack.state.saveService({
      ...(record as NonNullable<typeof record>),
      process: { pid, startedAt: record?.process?.startedAt ?? "" },
    });
    expect((await states())["signaling-1"]).toBe("stopped");
    expect((await stack.engine.kill("signaling-1")).changed).toBe(false);
    expect(identify(pid)?.state).toBe("running");
  } finally {
    stack.state.saveService(record as NonNullable<typeof record>);
    innocent.kill("SIGKILL");
  }
});

test("status and chaos work from another process, because the state is in files", () => {
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, ["ops/cli.ts", ...args], {
      cwd: stack.root,
      encoding: "utf8",
      env: { ...process.env, STACK: stack.name },
    });
  const { services } = JSON.parse(cli("status", "--json")) as { services: { id: string; state: string }[] };
  expect(services.every(({ state }) => state === "running")).toBe(true);
  expect(cli("chaos", "restart", "2")).toMatch(/^\$ kill -TERM \d+; .*\nwatch: its peers are moved/m);
});

test("down leaves no process and no port, in any state of the stack", async () => {
  await runAction(stack, "pause", "signaling-1");
  await runAction(stack, "kill", "redis");
  // A process of an `up` that was killed before it wrote the record.
  const record = stack.state.service("caller");
  stack.state.forgetService("caller");
  const recorded = [...stack.state.services(), record].map((service) => service?.process?.pid ?? 0);
  const pids = recorded.filter((pid) => pid !== 0);
  const ours = new Set(Object.values(defaultPorts).map((port) => port + stack.portBase));
  // Compares inodes, because another test may use the released port by then.
  const before = [...listeners()].filter(([, port]) => ours.has(port)).map(([inode]) => inode);
  expect(before.length).toBeGreaterThan(5);
  await takeDown(stack.state);
  expect(pids.filter((pid) => identify(pid) !== undefined)).toEqual([]);
  // The last threads of an ended process close its sockets a moment later.
  await until("its ports are free", () => !before.some((inode) => listeners().has(inode)), { withinMs: 2_000 });
  expect(stack.state.services()).toEqual([]);
});

/** The port of every listening TCP socket, by its inode (proc(5): state 0A). */
function listeners(): Map<string, number> {
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return new Map(
    rows
      .filter((row) => row[3] === "0A")
      .map((row) => [row[9] ?? "", Number.parseInt(row[1]?.split(":")[1] ?? "0", 16)] as const),
  );
}
