import { expect, test } from "vitest";
import type { Engine } from "../stack/engine.ts";
import { backplaneServersAmong, redisMaster } from "./failover.ts";

const running = (...ids: string[]) => ids.map((id) => ({ id, state: "running" as const, detail: "" }));
const sentinels = running("redis", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3");

test("the servers of a backplane are known by the services of its stack", () => {
  expect(
    [running("redis"), sentinels, running("redis", "redis-2", "redis-3", "redis-4"), running("nats", "nats-2")].map(
      backplaneServersAmong,
    ),
  ).toEqual(["single", "sentinel", "cluster", "nats"]);
});

test("the master is the server that most Sentinels name, and the services are looked up once for it", async () => {
  const named = { "sentinel-1": "redis", "sentinel-2": "redis-3", "sentinel-3": "redis-3" } as Record<string, string>;
  let lookUps = 0;
  const engine = {
    services: async () => {
      lookUps += 1;
      return sentinels;
    },
    redisAddress: (id: string) => `${id}:6379`,
    async *redisCli(_: readonly string[], __: AbortSignal, server = "") {
      yield* [named[server] ?? "", "6379"];
    },
  } as unknown as Engine;
  await expect(redisMaster(engine)).resolves.toBe("redis-3");
  expect(lookUps).toBe(1);
});
