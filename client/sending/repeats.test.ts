import { expect, test } from "vitest";
import { createRepeats } from "./repeats.ts";

test("a signal is accepted once, by its id and by its sender's ref", () => {
  const repeats = createRepeats();
  const signal = { roomId: "r", from: "a", id: "1", ref: "x" };
  expect(repeats.seen(signal)).toBe(false);
  expect(repeats.seen(signal)).toBe(true);
  expect(repeats.seen({ ...signal, id: "2" })).toBe(true);
  expect(repeats.seen({ ...signal, id: "3", from: "b" })).toBe(false);
});

test("the oldest ids are forgotten one by one, new ones are kept", () => {
  const repeats = createRepeats();
  for (let index = 0; index < 5_000; index += 1) repeats.seen({ roomId: "r", from: "a", id: String(index) });
  expect(repeats.seen({ roomId: "r", from: "a", id: "4999" })).toBe(true);
  expect(repeats.seen({ roomId: "r", from: "a", id: "0" })).toBe(false);
});
