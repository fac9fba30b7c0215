import { expect, test } from "vitest";
import { createPace } from "./pace.ts";

test("each connection lost soon after its join makes the next pause longer, up to thirty seconds", () => {
  const pace = createPace(
    () => 1,
    () => 0,
  );
  const pauses = Array.from({ length: 9 }, () => {
    pace.joined();
    pace.lost();
    return pace.next();
  });
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("a join that lasted five seconds resets the pauses; connections that fail before a join are at most three seconds apart", () => {
  let clock = 0;
  const pace = createPace(
    () => 1,
    () => clock,
  );
  pace.joined();
  pace.lost();
  expect([pace.fruitless(), pace.next()]).toEqual([1, 500]);
  pace.joined();
  clock = 5_000;
  pace.lost();
  expect(pace.fruitless()).toBe(0);
  expect(Array.from({ length: 6 }, () => pace.next())).toEqual([250, 500, 1_000, 2_000, 3_000, 3_000]);
});
