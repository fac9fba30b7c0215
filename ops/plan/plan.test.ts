import { expect, test } from "vitest";
import { costWith, fitCost, measured } from "./figures.ts";
import { defaultLimits, plan, remoteReplicas } from "./plan.ts";

const small = { peers: 1_000, signalsPerSecond: 0.1, room: 2 };

test("a small stack is the least that loses one of each: three replicas, two proxies, one Redis", () => {
  const { replicas, proxies, backplaneNodes, backplane, bottleneck } = plan(small, measured);
  expect({ replicas, proxies, backplaneNodes, backplane, by: bottleneck.by }).toEqual({
    replicas: 3,
    proxies: 2,
    backplaneNodes: 1,
    backplane: "pubsub",
    by: "availability",
  });
});

test("with one lost, no program is above its part of a core, its memory, its connections or its drain", () => {
  for (const peers of [10_000, 100_000, 1_000_000])
    for (const signalsPerSecond of [0.1, 1, 5])
      for (const room of [2, 8]) {
        const made = plan({ peers, signalsPerSecond, room }, measured);
        expect(made.load.replicaOneLost).toBeLessThanOrEqual(defaultLimits.utilisation + 1e-9);
        expect(made.load.proxyOneLost).toBeLessThanOrEqual(defaultLimits.utilisation + 1e-9);
        expect(made.memoryPerReplica).toBeLessThanOrEqual(defaultLimits.memoryBytes);
        expect(made.memoryPerProxy).toBeLessThanOrEqual(defaultLimits.memoryBytes);
        expect(peers / (made.replicas - 1)).toBeLessThanOrEqual(defaultLimits.drained + 1);
        expect(peers / (made.proxies - 1)).toBeLessThanOrEqual(defaultLimits.connections + 1);
        expect(made.cores.backplane / made.backplaneNodes).toBeLessThanOrEqual(defaultLimits.utilisation + 1e-9);
      }
});

test("idle peers are bounded by the drain, busy ones by CPU, and the bottleneck says so", () => {
  const idle = plan({ peers: 100_000, signalsPerSecond: 0, room: 2 }, measured);
  expect(idle.bottleneck).toMatchObject({ of: "replicas", by: "drain", needed: Math.ceil(100_000 / 4_200) });
  const busy = plan({ peers: 100_000, signalsPerSecond: 5, room: 2 }, measured);
  // 500,000 signals a second, 166 µs each, on 0.6 of a core.
  expect(busy.bottleneck).toMatchObject({ of: "replicas", by: "CPU", needed: Math.ceil((500_000 * 166) / 600_000) });
  expect(busy.backplane).toBe("sharded");
});

test("twice the peers need about twice the cores", () => {
  const cores = (peers: number) => plan({ peers, signalsPerSecond: 1, room: 4 }, measured).cores;
  expect(cores(200_000).replicas / cores(100_000).replicas).toBeCloseTo(2, 6);
  expect(cores(200_000).proxies / cores(100_000).proxies).toBeCloseTo(2, 6);
});

test("a demand without peers is refused", () => {
  expect(() => plan({ ...small, peers: 0 }, measured)).toThrow(RangeError);
  expect(() => plan({ ...small, room: 1 }, measured)).toThrow(RangeError);
});

test("a peer's room is on another replica as often as chance has it", () => {
  expect(remoteReplicas(3, 1)).toBeCloseTo(2 / 3);
  expect(remoteReplicas(2, 1)).toBeCloseTo(1 / 2);
  // Many receivers are on every other replica.
  expect(remoteReplicas(6, 1_000)).toBeCloseTo(5);
});

test("what a further replica costs is the third one's own and the server's more, and noise never makes it cheaper than free", () => {
  const two = { pair: 30, server: 10, bystanders: 0 };
  const line = fitCost(two, { pair: 30, server: 12, bystanders: 3 });
  expect([2, 3, 6].map((replicas) => costWith(line, replicas))).toEqual([40, 45, 60]);
  const flat = fitCost(two, { pair: 28, server: 9, bystanders: -1 });
  expect([2, 6].map((replicas) => costWith(flat, replicas))).toEqual([38.5, 38.5]);
});

test("noise in the cost of the pair is not extrapolated", () => {
  const line = fitCost({ pair: 30, server: 10, bystanders: 0 }, { pair: 33, server: 10, bystanders: 0 });
  expect(costWith(line, 6)).toBe(41.5);
});
