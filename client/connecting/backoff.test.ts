import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

test("the delay is fully random below a limit that doubles up to the cap", () => {
  expect([0, 1, 2, 3, 4, 9].map((attempt) => backoffMs(attempt, () => 1))).toEqual([250, 500, 1000, 2000, 3000, 3000]);
  expect(backoffMs(9, () => 0)).toBe(0);
  expect(backoffMs(9, () => 0.5)).toBe(1500);
});
