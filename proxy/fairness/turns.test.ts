import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("64 go on in each turn, in order, and one that waits again is behind the others", async () => {
  const turns = new Turns(64, new Set());
  const gone: number[] = [];
  for (let index = 0; index < 160; index += 1)
    turns.wait("192.0.2.1", () => {
      gone.push(index);
      if (index === 0) turns.wait("192.0.2.1", () => gone.push(100));
    });
  expect(gone).toEqual([]);
  const sums: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await setImmediate();
    sums.push(gone.length);
  }
  expect(sums).toEqual([64, 128, 161]);
  expect(gone).toEqual([...Array.from({ length: 160 }, (_, index) => index), 100]);
});

test("64 reads are parsed at once, the next ones in later turns, and not before those that wait", async () => {
  const turns = new Turns(64, new Set());
  expect(Array.from({ length: 80 }, () => turns.take()).filter(Boolean)).toHaveLength(64);
  await setImmediate();
  expect(turns.take()).toBe(true);
  let hasGone = false;
  turns.wait("192.0.2.1", () => {
    hasGone = true;
  });
  expect(turns.take()).toBe(false);
  await setImmediate();
  expect([hasGone, turns.take()]).toEqual([true, true]);
});

test("a client with one read does not wait behind another with a thousand", async () => {
  const turns = new Turns(64, new Set());
  const gone: string[] = [];
  for (let index = 0; index < 1_000; index += 1) turns.wait("192.0.2.1", () => gone.push("many"));
  turns.wait("192.0.2.2", () => gone.push("one"));
  await setImmediate();
  expect(gone.indexOf("one")).toBe(1);
});

test("a client that is held up waits until it may go on, and holds nobody else up", async () => {
  const heldUp = new Set(["192.0.2.1"]);
  const turns = new Turns(64, heldUp);
  const gone: string[] = [];
  expect(turns.take()).toBe(false);
  turns.wait("192.0.2.1", () => gone.push("held up"));
  turns.wait("192.0.2.2", () => gone.push("other"));
  await setImmediate();
  await setImmediate();
  expect(gone).toEqual(["other"]);
  heldUp.clear();
  turns.goOn();
  await setImmediate();
  expect(gone).toEqual(["other", "held up"]);
  expect(turns.take()).toBe(true);
});
