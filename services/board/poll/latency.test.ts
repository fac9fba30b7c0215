import { expect, test } from "vitest";
import { p95Between } from "./latency.ts";

const none = [
  [0.001, 0],
  [0.01, 0],
  [0.1, 0],
  [Number.MAX_VALUE, 0],
] as const;

test("without observations the latency is null, not 0", () => {
  expect(p95Between(none, none)).toBeNull();
});

test("only observations between the two polls count", () => {
  const before = [
    [0.001, 1_000],
    [0.01, 1_000],
    [0.1, 1_000],
    [Number.MAX_VALUE, 1_000],
  ] as const;
  const after = [
    [0.001, 1_000],
    [0.01, 1_000],
    [0.1, 1_100],
    [Number.MAX_VALUE, 1_100],
  ] as const;
  expect(p95Between(before, after)).toBeCloseTo(95.5, 1);
});

test("above the last finite bound only that bound is known", () => {
  expect(
    p95Between(none, [
      [0.001, 0],
      [0.01, 0],
      [0.1, 0],
      [Number.MAX_VALUE, 10],
    ]),
  ).toBe(100);
});
