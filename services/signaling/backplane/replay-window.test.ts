import { expect, test } from "vitest";
import { createReplayWindow, windowSize } from "./replay-window.ts";

test("each number is accepted once, in any order within the window", () => {
  const window = createReplayWindow();
  const numbers = [5, 1, 3, 70, 2, windowSize, 69, windowSize + 60];
  for (const number of numbers) expect(window.take(number), String(number)).toBe(true);
  for (const number of numbers) expect(window.take(number), String(number)).toBe(false);
});

test("a number before the window is refused, because it could be a copy", () => {
  const window = createReplayWindow();
  window.take(windowSize + 10);
  expect(window.take(10)).toBe(false);
  expect(window.take(11)).toBe(true);
});

test("a jump over the whole window forgets its numbers", () => {
  const window = createReplayWindow();
  for (let number = 1; number <= 100; number += 1) window.take(number);
  expect(window.take(10 * windowSize)).toBe(true);
  expect(window.take(10 * windowSize)).toBe(false);
  expect(window.take(9 * windowSize + 1)).toBe(true);
});
