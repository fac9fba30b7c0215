import { expect, test } from "vitest";
import { binned } from "./timeline.ts";

test("reconnect times that differ by milliseconds fall into different bars", () => {
  expect(binned([102, 104, 111, 133])).toEqual({
    widthMs: 5,
    bins: [100, 105, 110, 115, 120, 125, 130].map((from) => ({
      from,
      count: [102, 104, 111, 133].filter((ms) => ms >= from && ms < from + 5).length,
    })),
  });
});

test("the number of bars is limited, and every value is counted", () => {
  const all = Array.from({ length: 400 }, (_, index) => 80 + index * 11);
  const { bins } = binned(all);
  expect(bins.length).toBeLessThanOrEqual(24);
  expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(400);
});

test("one value alone is one bar", () => {
  expect(binned([2_500]).bins).toEqual([{ from: 2_500, count: 1 }]);
});
