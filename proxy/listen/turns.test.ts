import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("16 go on in each turn, in order, and one that waits again is behind the others", async () => {
  const turns = new Turns();
  const gone: number[] = [];
  for (let index = 0; index < 40; index += 1)
    turns.wait(() => {
      gone.push(index);
      if (index === 0) turns.wait(() => gone.push(100));
    });
  expect(gone).toEqual([]);
  const sums: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await setImmediate();
    sums.push(gone.length);
  }
  expect(sums).toEqual([16, 32, 41]);
  expect(gone).toEqual([...Array.from({ length: 40 }, (_, index) => index), 100]);
});
