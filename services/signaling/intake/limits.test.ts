import { expect, test } from "vitest";
import { costOf } from "./limits.ts";

test("a message costs a token for each 8 KiB that it begins", () => {
  expect([0, 1_500, 8_191, 8_192, 60_000].map((length) => costOf("x".repeat(length)))).toEqual([1, 1, 1, 2, 8]);
});

test("a message costs more tokens for names, levels and elements of its JSON", () => {
  const names = JSON.stringify(Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`k${index}`, 1])));
  expect(costOf(names)).toBeGreaterThan(120);
  expect(costOf("[".repeat(10_000) + "]".repeat(10_000))).toBeGreaterThan(300);
  expect(costOf(JSON.stringify({ description: { type: "offer", sdp: "a=x\r\n".repeat(3_000) } }))).toBe(3);
});
