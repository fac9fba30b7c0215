import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLedger } from "./ledger.ts";
import { Pace } from "./pace.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function create(handle: (message: string, pace: Pace<string>) => void) {
  const ledger = createLedger(1_000_000);
  const calls: string[] = [];
  const reader = {
    handle: (message: string) => handle(message, pace),
    pause: () => void calls.push("pause"),
    resume: () => void calls.push("resume"),
    evict: () => expect.unreachable(),
  };
  const pace = new Pace<string>(reader, ledger, 500);
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

test("a hold of one tick lets the effects of earlier packets come first", async () => {
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
