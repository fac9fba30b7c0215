import { expect, test } from "vitest";
import { costOf as costWithin, deliveryCost } from "./limits.ts";

const costOf = (message: string) => costWithin(message, 65_536);

test("a message costs a token for each 8 KiB that it begins", () => {
  expect([0, 1_500, 8_191, 8_192, 60_000].map((length) => costOf("x".repeat(length)))).toEqual([1, 1, 1, 2, 8]);
});

test("what is beyond the largest event costs a token for each KiB", () => {
  expect([65_536, 66_560, 250_000].map((length) => costOf("x".repeat(length)))).toEqual([9, 10, 189]);
});

test("a message costs more tokens for names, levels and elements of its JSON", () => {
  const names = JSON.stringify(Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`k${index}`, 1])));
  expect(costOf(names)).toBeGreaterThan(120);
  expect(costOf("[".repeat(10_000) + "]".repeat(10_000))).toBeGreaterThan(300);
  expect(costOf(JSON.stringify({ description: { type: "offer", sdp: "a=x\r\n".repeat(3_000) } }))).toBe(3);
});

test("deliveries beyond the first four cost a token for each four, as often as the event has 2 KiB", () => {
  expect([0, 1, 4, 7, 8, 39, 63].map((receivers) => deliveryCost(receivers, 300))).toEqual([0, 0, 0, 0, 1, 8, 14]);
  expect([1, 8, 39].map((receivers) => deliveryCost(receivers, 60_000))).toEqual([0, 30, 262]);
});
