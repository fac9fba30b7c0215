import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { runAction } from "../../ops/chaos/actions.ts";
import { chooseTarget } from "../../ops/chaos/target.ts";
import { status } from "../../ops/commands/status.ts";
import type { Drill } from "../../ops/drills/define-drill.ts";
import { failingOver } from "../../ops/drills/drills.ts";
import { heal } from "../../ops/heal/heal.ts";
import { neededSecret } from "../../ops/process/secrets.ts";
import { redisMaster } from "../../ops/redis/failover.ts";
import { redisPort } from "../../ops/redis/ids.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { replicaTable } from "../../ops/stack/replica-table.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

let stack: ProcessStack;
beforeAll(async () => {
  stack = await startProcessStack({ REDIS: "sentinel", CALLS: "0", PROBE_EVERY_MS: "0" });
  await heal(stack);
});
afterEach(async () => {
  await heal(stack);
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const run = (drill: Drill, control = false) =>
  runDrill(stack, drill, { seed: 1, control, signal: new AbortController().signal, tell: () => undefined });
const drills = failingOver.map((drill) => [drill.name, drill] as const);
const figuresOf = ({ expectations }: Awaited<ReturnType<typeof run>>) =>
  expectations.map(({ name, measured, bound }) => `${name}: ${measured} (${bound})`);

test.for(drills)("%s passes, and leaves the stack at steady state", async ([, drill]) => {
  const result = await run(drill);
  process.stdout.write(`${drill.name}: ${figuresOf(result).join("; ")}\n`);
  expect(result.verdict, [...result.reasons, ...figuresOf(result)].join("; ")).toBe("passed");
  expect(await unsteady(stack)).toEqual([]);
});

/** The controls take a minute each: `THIRD=1` or `2` runs one, `3` none; unset, all run. */
const { THIRD: third } = process.env;
const controlled = third === undefined ? drills : drills.filter((_, place) => place === Number(third) - 1);

test.for(controlled)("negative control: %s deviates if replicas do not ask the Sentinels", async ([, drill]) => {
  const result = await run(drill, true);
  process.stdout.write(`${drill.name}, control: ${figuresOf(result).join("; ")}\n`);
  expect(result.verdict, [...result.reasons, ...figuresOf(result)].join("; ")).toBe("deviated");
  expect(await unsteady(stack)).toEqual([]);
});

test("redis means the master, a server of the stack may be named, and make status says who is the master", async () => {
  const master = await redisMaster(stack.engine);
  expect(await chooseTarget(stack, "kill", "redis")).toMatchObject({ target: master });
  expect((await chooseTarget(stack, "kill", "redis-1")).target).toBe("redis");
  await expect(chooseTarget(stack, "kill", "redis-4")).rejects.toThrow("no Redis server redis-4");
  await expect(chooseTarget(stack, "start", "redis")).rejects.toThrow("no Redis server is stopped");
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  await status.run({ stack, print } as unknown as Parameters<typeof status.run>[0], ["--json"]);
  const { services } = JSON.parse(lines.join("")) as { services: { id: string; role?: string }[] };
  const roles = services.flatMap(({ id, role }) => (role === undefined ? [] : [`${id} ${role}`])).sort();
  const ids = ["redis", "redis-2", "redis-3"];
  expect(roles).toEqual(ids.map((id) => `${id} ${id === master ? "master" : "copy"}`));
});

const stateOf = async (id: string) => (await replicaTable(stack.engine.endpoints)).find((row) => row.id === id)?.state;

test("partition and slow hold on the way to every server, so also after a failover", async () => {
  const old = await redisMaster(stack.engine);
  await runAction(stack, "partition", "signaling-1");
  await until("it is degraded", async () => (await stateOf("signaling-1")) === "degraded");
  await runAction(stack, "kill", old);
  await until("another is the master", async () => (await redisMaster(stack.engine)) !== old, { withinMs: 20_000 });
  await until("the others are ready", async () => (await stateOf("signaling-2")) === "ready", { withinMs: 20_000 });
  expect(await stateOf("signaling-1")).toBe("degraded");
  await expect(stack.engine.slow("redis-2", { latencyMs: 1, jitterMs: 0 })).rejects.toThrow("has no links of its own");
});

/** What `redis-cli` prints for one command of a user. */
function as(user: string, secret: string, server: string, ...command: string[]): string {
  return execFileSync("redis-cli", ["-p", String(stack.layout.port(redisPort(server))), "--user", user, ...command], {
    encoding: "utf8",
    env: { ...process.env, REDISCLI_AUTH: neededSecret(stack.layout, secret) },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("the users of servers and Sentinels may do what they are for, and nothing else", () => {
  const ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "hold-the-line"];
  expect(as("replica", "REDIS_SENTINEL_PASSWORD", "sentinel-1", ...ask)).toMatch(/^127\.0\.0\.1\n\d+\n$/);
  const refused: Parameters<typeof as>[] = [
    ["replica", "REDIS_SENTINEL_PASSWORD", "sentinel-1", "SENTINEL", "FAILOVER", "hold-the-line"],
    ["replica", "REDIS_SENTINEL_PASSWORD", "sentinel-1", "SENTINEL", "MASTERS"],
    ["replica", "REDIS_SENTINEL_PASSWORD", "sentinel-1", "SENTINEL", "SET", "hold-the-line", "quorum", "1"],
    ["replica", "REDIS_SENTINEL_PASSWORD", "sentinel-1", "SHUTDOWN"],
    ["ops", "REDIS_OPS_PASSWORD", "sentinel-1", "SENTINEL", "REMOVE", "hold-the-line"],
    ["failover", "REDIS_FAILOVER_PASSWORD", "sentinel-1", "SENTINEL", "RESET", "*"],
    ["failover", "REDIS_FAILOVER_PASSWORD", "redis", "CONFIG", "SET", "maxmemory", "1"],
    ["failover", "REDIS_FAILOVER_PASSWORD", "redis", "PUBLISH", "hold-the-line:canary", "x"],
    ["failover", "REDIS_FAILOVER_PASSWORD", "redis", "SUBSCRIBE", "hold-the-line:canary"],
    ["failover", "REDIS_FAILOVER_PASSWORD", "redis", "GET", "hold-the-line:x"],
    ["replication", "REDIS_REPLICATION_PASSWORD", "redis", "INFO"],
    ["replication", "REDIS_REPLICATION_PASSWORD", "redis", "PUBLISH", "hold-the-line:canary", "x"],
    ["replica", "REDIS_PASSWORD", "redis", "REPLICAOF", "127.0.0.1", "1"],
  ];
  expect(refused.filter((attempt) => !as(...attempt).includes("NOPERM"))).toEqual([]);
  const anybody = execFileSync("redis-cli", ["-p", String(stack.layout.port("SENTINEL_1_PORT")), ...ask], {
    encoding: "utf8",
  });
  expect(anybody).toMatch("NOAUTH");
});

test("no one but the owner reaches the passwords that Sentinels write into their configuration", () => {
  for (const id of ["redis", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3"]) {
    const dir = join(stack.state.dir, id);
    expect(existsSync(dir)).toBe(true);
    expect(statSync(dir).mode & 0o077).toBe(0);
  }
});
