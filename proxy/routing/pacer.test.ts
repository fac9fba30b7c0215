import fc from "fast-check";
import { expect, test } from "vitest";
import { createPacer } from "./pacer.ts";

test("a burst passes at once, later requests are spaced, and requests beyond the queue are refused", () => {
  const pacer = createPacer(10, 2);
  expect([0, 0, 0, 0, 0].map(() => pacer.take(1_000, 250))).toEqual([0, 0, 100, 200, undefined]);
  expect(pacer.take(1_400, 0)).toBe(0);
});

test("no window gets more than burst and rate allow", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 20 }),
      (gaps, perSecond, burst) => {
        const pacer = createPacer(perSecond, burst);
        let now = 0;
        const starts: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const wait = pacer.take(now, 1_000);
          if (wait !== undefined) starts.push(now + wait);
        }
        starts.forEach((from, i) => {
          starts.slice(i).forEach((to, j) => {
            expect(j + 1).toBeLessThanOrEqual(burst + ((to - from) / 1_000) * perSecond + 1e-6);
          });
        });
      },
    ),
  );
});

test("a pacer with a full bucket can be forgotten", () => {
  const pacer = createPacer(10, 5);
  pacer.take(0, 0);
  expect(pacer.idle(50)).toBe(false);
  expect(pacer.idle(100)).toBe(true);
});
