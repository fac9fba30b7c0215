import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sayThatItGoesOn } from "./goes-on.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("a silent command says that it goes on, and for what it waits; one that talks does not", () => {
  const lines: string[] = [];
  const goesOn = sayThatItGoesOn((line) => lines.push(line));
  for (let second = 0; second < 9; second += 1) {
    vi.advanceTimersByTime(1_000);
    goesOn.said();
  }
  expect(lines).toEqual([]);
  goesOn.waitFor("ProxyDown to fire");
  vi.advanceTimersByTime(3_000);
  expect(lines).toEqual(["… 12 s: waiting for ProxyDown to fire"]);
  goesOn.end();
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(1);
});
