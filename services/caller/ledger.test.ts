import { beforeEach, expect, test } from "vitest";
import { createLedger, type Ledger } from "./ledger.ts";
import { createMetrics } from "./metrics.ts";
import { createTally, type Tally } from "./tally.ts";

let tally: Tally;
let ledger: Ledger;
let outage: [number, number] | null;
beforeEach(() => {
  outage = null;
  tally = createTally();
  ledger = createLedger(tally, createMetrics(), (since, until) => {
    return outage !== null && outage[0] < until && outage[1] > since;
  });
});
const signals = () => tally.report(0, Number.POSITIVE_INFINITY).signals;

test("a repeat counts as duplicated, a late signal as stale, an overtaken one as out of order", () => {
  for (const at of [0, 10, 20]) ledger.send(at);
  ledger.received(0, "local", 5);
  ledger.received(0, "local", 6);
  ledger.received(2, "remote", 30);
  ledger.received(1, "remote", 1_500);
  expect(signals()).toMatchObject({ sent: 3, received: 3, duplicated: 1, outOfOrder: 1, stale: 1 });
});

test("an acknowledged signal that never arrives is lost after 5 s; an unacknowledged or refused one is not", () => {
  for (const at of [0, 0, 0]) ledger.send(at);
  ledger.acknowledged(0, 2);
  ledger.refused(1, "backplane-down", 2);
  ledger.sweep(4_000);
  expect(signals().lost).toBe(0);
  ledger.sweep(6_000);
  expect(signals()).toMatchObject({ lost: 1, lostAfterRejoin: 1, refused: { "backplane-down": 1 } });
});

test("a loss during an outage of a peer is not a loss after the rejoin", () => {
  outage = [3_000, 4_000];
  ledger.send(100);
  ledger.acknowledged(0, 101);
  ledger.sweep(10_000);
  expect(signals()).toMatchObject({ lost: 1, lostAfterRejoin: 0 });
});

test("latency counts from the last time that the signal was sent", () => {
  ledger.send(0);
  ledger.emitted(0, 5_000);
  ledger.received(0, "remote", 5_004);
  expect(tally.report(0, 10_000).latencyMs.remote.p50).toBe(4);
  expect(signals().stale).toBe(0);
});
