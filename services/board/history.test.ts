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

test("a window holds what was sent in it and what stood when it began", () => {
  const history = filled(100, 250);
  expect(JSON.parse(history.between(1_100, 1_800))).toEqual([
    { at: 1_000 },
    { at: 1_250 },
    { at: 1_500 },
    { at: 1_750 },
  ]);
});

test("the strips have one entry a second, however often something changed", () => {
  expect(
    filled(100, 250)
      .seconds()
      .map(({ at }) => at),
  ).toEqual(Array.from({ length: 25 }, (_, second) => second * 1_000));
});

test("what is older than fifteen minutes is forgotten", () => {
  const history = filled(7_200, 250);
  const newest = 7_199 * 250;
  const [first] = JSON.parse(history.between(0, newest)) as { at: number }[];
  expect(first?.at).toBeGreaterThan(newest - keptMs - 60_000);
  expect(history.seconds().length).toBeLessThanOrEqual(keptMs / 1_000 + 60);
});
