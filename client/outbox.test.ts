import { expect, test } from "vitest";
import { createOutbox, type Outgoing } from "./outbox.ts";

const outgoing = (order: number): Outgoing => ({
  event: "offer",
  signal: { roomId: "r" },
  order,
  attempts: 0,
  settle: () => undefined,
});

test("what waited for a peer that was away goes out before what was sent since, to that peer alone", () => {
  const outbox = createOutbox();
  const [first, second, third] = [outgoing(1), outgoing(2), outgoing(3)];
  for (const one of [first, second, third]) outbox.add(one);
  for (const one of [second, first]) {
    outbox.awaitPeer("b", one);
    outbox.done(one);
  }
  expect(outbox.pending()).toEqual([third]);
  expect(outbox.moveToPending("b").map(({ order, signal }) => [order, signal.to])).toEqual([
    [1, "b"],
    [2, "b"],
  ]);
  expect(outbox.pending().map(({ order }) => order)).toEqual([1, 2, 3]);
  expect(outbox.moveToPending("b")).toEqual([]);
});

test("nothing is sent again to a peer that left, nor what was acknowledged", () => {
  const outbox = createOutbox();
  const one = outgoing(1);
  outbox.add(one);
  outbox.awaitPeer("b", one);
  expect(outbox.holds(one)).toBe(true);
  expect(outbox.done(one)).toBe(true);
  expect(outbox.done(one)).toBe(false);
  expect(outbox.holds(one)).toBe(false);
  outbox.forget("b");
  expect(outbox.moveToPending("b")).toEqual([]);
});

test("the thousand and first signal that waits is refused", () => {
  const outbox = createOutbox();
  const taken = Array.from({ length: 1_001 }, (_, index) => outbox.add(outgoing(index)));
  expect(taken.filter(Boolean)).toHaveLength(1_000);
  expect(taken.at(-1)).toBe(false);
});
