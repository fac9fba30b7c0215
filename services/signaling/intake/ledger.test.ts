import { expect, test } from "vitest";
import { createLedger } from "./ledger.ts";

test("above the bound the account that holds most is evicted, and only as many as it takes", () => {
  const ledger = createLedger(100);
  const evicted: string[] = [];
  const accounts = Object.fromEntries(
    ["small", "large", "middle"].map((name) => [name, ledger.open(() => void evicted.push(name))]),
  );
  accounts["small"]?.set(10);
  accounts["large"]?.set(60);
  accounts["middle"]?.set(30);
  expect([ledger.total(), evicted]).toEqual([100, []]);
  accounts["small"]?.set(11);
  expect([ledger.total(), evicted]).toEqual([41, ["large"]]);
  // An evicted account takes no part any more.
  accounts["large"]?.set(1_000);
  expect([ledger.total(), evicted]).toEqual([41, ["large"]]);
});

test("what is given back or closed is free, however often", () => {
  const ledger = createLedger(100);
  const account = ledger.open(() => expect.unreachable());
  for (let round = 0; round < 5; round += 1) {
    account.set(90);
    account.set(0);
  }
  account.set(50);
  account.close();
  account.close();
  account.set(70);
  expect(ledger.total()).toBe(0);
});

test("one that alone is over the bound is evicted itself", () => {
  const ledger = createLedger(100);
  let gone = false;
  const account = ledger.open(() => {
    gone = true;
  });
  account.set(101);
  expect([gone, ledger.total()]).toEqual([true, 0]);
});

test("over half of the bound it is pressed, and says once when that is over", () => {
  const ledger = createLedger(100);
  const account = ledger.open(() => expect.unreachable());
  account.set(51);
  expect(ledger.isPressed()).toBe(true);
  let told = 0;
  ledger.onRoom(() => {
    told += 1;
  });
  account.set(60);
  expect(told).toBe(0);
  account.set(50);
  account.set(60);
  account.set(0);
  expect(told).toBe(1);
});
