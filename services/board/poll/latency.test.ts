import { expect, test } from "vitest";
import { p95Between } from "./latency.ts";

const none = [
  [0.001, 0],
  [0.01, 0],
  [0.1, 0],
  [Number.MAX_VALUE, 0],
] as const;

test("nothing came: there is no latency, which is not the same as none", () => {
  expect(p95Between(none, none)).toBeNull();
});

test("only what came between the two looks counts", () => {
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

test("above the last bound nothing is known but that bound", () => {
  expect(
    p95Between(none, [
      [0.001, 0],
      [0.01, 0],
      [0.1, 0],
      [Number.MAX_VALUE, 10],
    ]),
  ).toBe(100);
});
