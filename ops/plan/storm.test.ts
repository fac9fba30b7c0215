import { expect, test } from "vitest";
import { playStorm, type Storm } from "./storm.ts";

const storm: Storm = {
  peers: 2_000,
  replicas: 3,
  admitPerSecond: 200,
  queueMs: 1_000,
  connectMs: 20,
  backoff: { baseMs: 250, capMs: 3_000 },
  seed: 7,
};

test("the same seed gives the same storm, another one a similar storm", () => {
  expect(playStorm(storm)).toEqual(playStorm(storm));
  const other = playStorm({ ...storm, seed: 8 });
  expect(other).not.toEqual(playStorm(storm));
  expect(Math.abs(other.p95 / playStorm(storm).p95 - 1)).toBeLessThan(0.2);
});

test("everyone comes back, and no faster than the replicas admit", () => {
  const { max, refused } = playStorm(storm);
  // A quarter of a second's sessions come at once, the others at the rate.
  expect(max).toBeGreaterThan(((storm.peers / storm.replicas - 50) / 200) * 1_000 * 0.9);
  expect(max).toBeLessThan(10_000);
  expect(refused).toBeGreaterThan(0);
});

test("without a bound only the jitter and the connect count", () => {
  const { p50, max, refused } = playStorm({ ...storm, admitPerSecond: 1e6 });
  expect(refused).toBe(0);
  expect(p50).toBeGreaterThan(125);
  expect(p50).toBeLessThan(165);
  expect(max).toBeLessThanOrEqual(270);
});

test("a large storm takes as long as a small one with the same peers a replica", () => {
  const { p95 } = playStorm({ ...storm, peers: 100_000, replicas: 150 });
  expect(Math.abs(p95 / playStorm(storm).p95 - 1)).toBeLessThan(0.2);
});
