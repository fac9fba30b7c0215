import { expect, test } from "vitest";
import { createLedger, type Holder } from "./ledger.ts";

const steadfast = (): Holder => ({ evict: () => expect.unreachable() });

test("above the bound the largest holders are evicted, and no more than necessary", () => {
  const ledger = createLedger(100);
  const evicted: string[] = [];
  const holder = (name: string): Holder => ({ evict: () => void evicted.push(name) });
  const [small, large, middle] = [holder("small"), holder("large"), holder("middle")];
  ledger.enter(small, 10);
  ledger.enter(large, 60);
  ledger.enter(middle, 30);
  expect([ledger.total(), evicted]).toEqual([100, []]);
  ledger.enter(small, 11);
  expect([ledger.total(), evicted]).toEqual([41, ["large"]]);
  // A holder that continues is evicted again, before smaller ones.
  ledger.enter(large, 1_000);
  expect([ledger.total(), evicted]).toEqual([41, ["large", "large"]]);
});

test("released bytes are free again, any number of times", () => {
  const ledger = createLedger(100);
  const holder = steadfast();
  for (let round = 0; round < 5; round += 1) {
    ledger.enter(holder, 90);
    ledger.enter(holder, 0);
    ledger.enter(holder, 0);
  }
  ledger.enter(holder, 100);
  expect(ledger.total()).toBe(100);
});

test("a single holder above the bound is evicted", () => {
  const ledger = createLedger(100);
  const evicted: string[] = [];
  ledger.enter({ evict: () => void evicted.push("it") }, 101);
  expect([evicted, ledger.total()]).toEqual([["it"], 0]);
});

test("above half of the bound there is pressure, and its end is reported once", () => {
  const ledger = createLedger(100);
  const holder = steadfast();
  ledger.enter(holder, 51);
  expect(ledger.isPressed()).toBe(true);
  let told = 0;
  ledger.onRoom(() => {
    told += 1;
  });
  ledger.enter(holder, 60);
  expect(told).toBe(0);
  ledger.enter(holder, 50);
  ledger.enter(holder, 60);
  ledger.enter(holder, 0);
  expect(told).toBe(1);
});
