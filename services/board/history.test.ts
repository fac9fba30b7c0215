import { expect, test } from "vitest";
import { createHistory, keptMs } from "./history.ts";
import type { Snapshot } from "./snapshot.ts";

const snapshot = (at: number): Snapshot => ({
  at,
  parts: [],
  peers: {},
  calls: {},
  signals: null,
  faults: [],
  alerts: [],
  drills: [],
  prometheus: false,
});

function filled(count: number, everyMs: number) {
  const history = createHistory();
  for (let at = 0; at < count * everyMs; at += everyMs) history.add(snapshot(at), JSON.stringify({ at }));
  return history;
}

test("a window has the snapshots sent in it and the last one before it", () => {
  const history = filled(100, 250);
  expect(JSON.parse(history.between(1_100, 1_800))).toEqual([
    { at: 1_000 },
    { at: 1_250 },
    { at: 1_500 },
    { at: 1_750 },
  ]);
});

test("the strips have one entry a second, for any number of changes", () => {
  expect(
    filled(100, 250)
      .seconds()
      .map(({ at }) => at),
  ).toEqual(Array.from({ length: 25 }, (_, second) => second * 1_000));
});

test("snapshots older than fifteen minutes are dropped", () => {
  const history = filled(7_200, 250);
  const newest = 7_199 * 250;
  const [first] = JSON.parse(history.between(0, newest)) as { at: number }[];
  expect(first?.at).toBeGreaterThan(newest - keptMs - 60_000);
  expect(history.seconds().length).toBeLessThanOrEqual(keptMs / 1_000 + 60);
});
