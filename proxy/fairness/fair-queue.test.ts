import { expect, test } from "vitest";
import { FairQueue } from "./fair-queue.ts";

test("clients take turns, and the entries of each come in order", () => {
  const queue = new FairQueue<string>();
  for (const entry of ["a1", "a2", "a3", "a4", "b1", "b2"]) queue.push(entry.slice(0, 1), entry);
  const out = [queue.shift(), queue.shift()];
  queue.push("c", "c1");
  while (queue.size > 0) out.push(queue.shift());
  expect(out).toEqual(["a1", "b1", "a2", "b2", "c1", "a3", "a4"]);
  expect(queue.shift()).toBeUndefined();
});
