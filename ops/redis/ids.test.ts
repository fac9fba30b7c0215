import { expect, test } from "vitest";
import { portsOf } from "../ports.ts";
import {
  exporterOf,
  exporterPort,
  isExporter,
  isRedis,
  linkPort,
  redisBusPort,
  redisIds,
  redisPort,
  sentinelIds,
  serverTyped,
} from "./ids.ts";

const three = { REDIS: "sentinel" };
const six = { REDIS: "cluster" };

test("Sentinels come with three servers, and without them there is one", () => {
  expect([redisIds({}), sentinelIds({})]).toEqual([["redis"], []]);
  expect(redisIds(three)).toEqual(["redis", "redis-2", "redis-3"]);
  expect(sentinelIds(three)).toEqual(["sentinel-1", "sentinel-2", "sentinel-3"]);
  expect([redisIds(six), sentinelIds(six)]).toEqual([
    ["redis", "redis-2", "redis-3", "redis-4", "redis-5", "redis-6"],
    [],
  ]);
  expect(redisIds({ ...six, BACKPLANE: "nats" })).toEqual([]);
});

test("redis-1 is the first server, and no other name is taken for one", () => {
  expect(serverTyped("redis-1", redisIds(three))).toBe("redis");
  expect(serverTyped("redis-3", redisIds(three))).toBe("redis-3");
  expect(() => serverTyped("redis-2", redisIds({}))).toThrow("no Redis server redis-2: this stack has 1");
  expect(["redis", "redis-2", "redis-exporter", "redis-exporter-2", "sentinel-1"].filter(isRedis)).toEqual([
    "redis",
    "redis-2",
  ]);
  expect(["redis", "redis-2", "redis-exporter", "redis-exporter-2"].filter(isExporter)).toEqual([
    "redis-exporter",
    "redis-exporter-2",
  ]);
});

test("every server, Sentinel, exporter and link has a port of its own", () => {
  const port = portsOf(0, {});
  const variables = [
    ...redisIds(six).flatMap((id) => [redisPort(id), redisBusPort(id)]),
    ...sentinelIds(three).map(redisPort),
    ...redisIds(six).map((id) => exporterPort(exporterOf(id))),
    ...redisIds(six).flatMap((id) => ["1", "2", "3", "4", "5"].map((n) => linkPort(n, id))),
  ];
  expect(new Set(variables.map(port)).size).toBe(variables.length);
});
