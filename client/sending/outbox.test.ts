import { expect, test } from "vitest";
import { createOutbox, type Outgoing } from "./outbox.ts";

const outgoing = (order: number): Outgoing => ({
  event: "offer",
  signal: { roomId: "r" },
  bytes: 100,
  order,
  attempts: 0,
  lossesAlone: 0,
  settle: () => undefined,
});
const orders = (list: readonly Outgoing[]) => list.map(({ order }) => order);

test("signals that waited for an away peer are sent before newer ones, and only to that peer", () => {
  const outbox = createOutbox();
  const [first, second, third] = [outgoing(1), outgoing(2), outgoing(3)];
  for (const one of [first, second, third]) outbox.add(one);
  for (const one of [second, first]) {
    outbox.awaitPeer("b", one);
    outbox.done(one);
  }
  expect(outbox.pending()).toEqual([third]);
  outbox.peerIsBack("b");
  expect(outbox.take().map(({ order, signal }) => [order, signal.to])).toEqual([
    [1, "b"],
    [2, "b"],
    [3, undefined],
  ]);
  expect(outbox.take()).toEqual([]);
});

test("acknowledged signals, and signals for a peer that has left, are not sent again", () => {
  const outbox = createOutbox();
  const one = outgoing(1);
  outbox.add(one);
  outbox.awaitPeer("b", one);
  expect(outbox.done(one)).toBe(true);
  expect(outbox.done(one)).toBe(false);
  outbox.again(one);
  outbox.forget("b");
  outbox.peerIsBack("b");
  expect(outbox.take()).toEqual([]);
});

test("after a lost connection unacknowledged and held signals are sent again in order", () => {
  const outbox = createOutbox();
  for (const order of [1, 2, 3]) outbox.add(outgoing(order));
  const [first, second] = outbox.take();
  outbox.hold(first as Outgoing);
  outbox.done(second as Outgoing);
  outbox.add(outgoing(4));
  expect(outbox.lost(false)).toMatchObject({ order: 3, lossesAlone: 1 });
  expect(orders(outbox.take())).toEqual([1, 3, 4]);
});

test("after suspicious losses signals are sent one at a time, until all waiting ones are settled", () => {
  const outbox = createOutbox();
  for (const order of [1, 2, 3]) outbox.add(outgoing(order));
  outbox.take();
  expect(outbox.lost(true)).toBeNull();
  for (const order of [1, 2, 3]) {
    const taken = outbox.take();
    expect(orders(taken)).toEqual([order]);
    expect(outbox.take()).toEqual([]);
    outbox.done(taken[0] as Outgoing);
  }
  for (const order of [4, 5]) outbox.add(outgoing(order));
  expect(orders(outbox.take())).toEqual([4, 5]);
});

test("the outbox refuses the 1,001st waiting signal", () => {
  const outbox = createOutbox();
  const taken = Array.from({ length: 1_001 }, (_, index) => outbox.add(outgoing(index)));
  expect(taken.filter(Boolean)).toHaveLength(1_000);
  expect(taken.at(-1)).toBe(false);
});
