import { expect, test } from "vitest";
import { createStreamBytes, entryBytes } from "./stream-bytes.ts";

const fields = { data: "x".repeat(936) };
const each = entryBytes(fields);

test("nothing is trimmed below the bound", () => {
  const bytes = createStreamBytes(100 * each);
  for (let n = 1; n <= 90; n += 1) bytes.add(`${n}-0`, fields);
  expect(bytes.firstThatFits()).toBeUndefined();
});

test("after a trim the stream has at most the bound and at least nine tenths of it", () => {
  const bytes = createStreamBytes(100 * each);
  for (let n = 1; n <= 1_000; n += 1) {
    bytes.add(`${n}-0`, fields);
    const first = bytes.firstThatFits();
    const kept = first === undefined ? n : n - Number(first.split("-")[0]) + 1;
    expect(kept).toBeLessThanOrEqual(100);
    expect(kept).toBeGreaterThanOrEqual(Math.min(n, 90));
  }
});

test("the position of half of the stream is known, down to the last entry", () => {
  const bytes = createStreamBytes(1_000 * each);
  for (let n = 1; n <= 400; n += 1) bytes.add(`${n}-0`, fields);
  bytes.halve();
  expect(Number(bytes.firstThatFits()?.split("-")[0])).toBeGreaterThanOrEqual(150);
  for (let round = 0; round < 20; round += 1) bytes.halve();
  expect(bytes.firstThatFits()).toBe("400-0");
  for (let n = 401; n <= 3_000; n += 1) bytes.add(`${n}-0`, fields);
  expect(3_000 - Number(bytes.firstThatFits()?.split("-")[0])).toBeGreaterThan(800);
});
