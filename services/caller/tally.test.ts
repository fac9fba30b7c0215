import { expect, test } from "vitest";
import { percentiles } from "./percentiles.ts";
import { createTally } from "./tally.ts";

test("percentiles are nearest-rank, and zeros without samples", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentiles(hundred)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
  expect(percentiles([])).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
});

test("a report covers only its window", () => {
  const tally = createTally();
  tally.count("sent", 1_000);
  tally.count("sent", 2_000);
  tally.count("sent", 2_100);
  tally.sample("remoteMs", 2_100, 4);
  tally.refuse("backplane-down", 3_000);
  expect(tally.report(0, Number.POSITIVE_INFINITY).signals).toMatchObject({
    sent: 3,
    refused: { "backplane-down": 1 },
  });
  const window = tally.report(2_000, 3_000);
  expect(window.signals).toMatchObject({ sent: 2, refused: {} });
  expect(window.latencyMs.remote).toMatchObject({ count: 1, p50: 4 });
});

test("the timeline has one entry a second, with the census of its last slot and its worst reconnecting", () => {
  const tally = createTally();
  tally.census(5_000, { "signaling-1": 2 }, 0);
  tally.census(5_250, { "signaling-1": 1 }, 1);
  tally.count("lost", 5_900);
  tally.sample("reconnectMs", 6_100, 700);
  expect(tally.report(0, 10_000).timeline).toMatchObject([
    { at: 5_000, peersByNode: { "signaling-1": 1 }, reconnecting: 1, lost: 1, reconnectsMs: [] },
    { at: 6_000, reconnectsMs: [700] },
  ]);
});

test("old slots are dropped", () => {
  const tally = createTally({ keepMs: 1_000 });
  tally.count("sent", 1_000);
  tally.count("sent", 5_000);
  expect(tally.report(0, 10_000).signals.sent).toBe(1);
});
