import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLedger } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import { Pace } from "./pace.ts";
import { Turns } from "./turns.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Limits that are never reached. */
const unlimited: Limits = {
  take: () => true,
  takeChange: () => true,
  refusal: () => "",
  sharers: () => 1,
  close: () => undefined,
};

function create(handle: (message: string, pace: Pace<string>) => void, turns = new Turns()) {
  const ledger = createLedger(1_000_000);
  const calls: string[] = [];
  const reader = {
    handle: (message: string) => handle(message, pace),
    pause: () => void calls.push("pause"),
    resume: () => void calls.push("resume"),
    evict: () => expect.unreachable(),
    drop: () => void calls.push("drop"),
  };
  const pace = new Pace<string>(reader, ledger, { perSecond: 500, turns, limits: unlimited });
  return { pace, ledger, calls };
}

test("after a hundred refusals reading pauses; waiting packets count on the ledger and are handled in order afterwards", () => {
  const handled: string[] = [];
  const { pace, ledger, calls } = create((message, self) => {
    handled.push(message);
    self.refused("answered");
  });
  for (let n = 0; n < 250; n += 1) pace.offer(String(n));
  expect(handled).toHaveLength(100);
  expect(calls).toEqual(["pause"]);
  expect(ledger.total()).toBeGreaterThan(150 * 3);
  vi.advanceTimersByTime(100);
  expect(handled).toHaveLength(200);
  vi.advanceTimersByTime(100);
  expect(handled).toEqual(Array.from({ length: 250 }, (_, n) => String(n)));
  expect([ledger.total(), calls.at(-1)]).toEqual([0, "resume"]);
});

test("a packet dropped without an answer counts a tenth of a refusal", () => {
  const { pace, calls } = create((_, self) => self.refused("silent"));
  for (let n = 0; n < 999; n += 1) pace.offer("x");
  expect(calls).toEqual([]);
  pace.offer("x");
  expect(calls).toEqual(["pause"]);
});

test("sixteen tokens in a turn of the event loop: the rest waits, and what others send comes between", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const handle = (message: string, self: Pace<string>) => {
    order.push(message);
    self.spent(message === "large" ? 40 : 1);
  };
  const [flood, other] = [create(handle, turns), create(handle, turns)];
  for (let n = 0; n < 20; n += 1) flood.pace.offer("flood");
  for (const message of ["other", "large", "behind"]) other.pace.offer(message);
  expect(order).toEqual([...Array.from({ length: 16 }, () => "flood"), "other", "large"]);
  expect([flood.calls, other.calls]).toEqual([["pause"], ["pause"]]);
  await Promise.all([flood.pace.ready(), other.pace.ready()]);
  expect(order.slice(18)).toEqual(["flood", "flood", "flood", "flood", "behind"]);
  expect([flood.calls.at(-1), other.calls.at(-1)]).toEqual(["resume", "resume"]);
});

test("a turn goes on with what waits until 128 tokens are spent", async () => {
  const turns = new Turns();
  let [handled, most] = [0, 0];
  const handle = (_: string, self: Pace<string>) => {
    handled += 1;
    self.spent(1);
  };
  const paces = Array.from({ length: 40 }, () => create(handle, turns));
  for (const { pace } of paces) for (let n = 0; n < 64; n += 1) pace.offer("x");
  for (let seen = handled; handled < 40 * 64; seen = handled) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, handled - seen);
  }
  expect(most).toBeLessThanOrEqual(128 + 16);
});

test("a hold of one tick lets consequences come first", async () => {
  const order: string[] = [];
  const { pace } = create((message, self) => {
    order.push(message);
    if (message !== "leave") return;
    process.nextTick(() => order.push("left"));
    self.holdForTick();
  });
  for (const message of ["leave", "enter"]) pace.offer(message);
  expect(pace.ready()).toBeDefined();
  await pace.ready();
  expect(order).toEqual(["leave", "left", "enter"]);
});

test("a closed connection holds no bytes and delays no other", async () => {
  const { pace, ledger } = create((_, self) => self.refused("answered"));
  for (let n = 0; n < 150; n += 1) pace.offer("x");
  const waiting = pace.ready();
  pace.close();
  await waiting;
  pace.offer("x");
  expect([ledger.total(), pace.ready()]).toEqual([0, undefined]);
});

test("closed while it is read more slowly, the transport is dropped with all that it holds; otherwise it is not", () => {
  const fast = create((_, self) => self.refused("answered"));
  for (let n = 0; n < 101; n += 1) fast.pace.offer("x");
  fast.pace.close();
  expect(fast.calls).toEqual(["pause", "drop", "resume"]);

  const waiting = create((_, self) => self.spent(16));
  waiting.pace.offer("x");
  waiting.pace.close();
  expect(waiting.calls).toEqual(["pause", "resume"]);
});
