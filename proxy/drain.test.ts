import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createProxyDrain } from "./drain.ts";
import type { Replica } from "./routing/replica-table.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Two replicas with so many tunnels, of which a closed one stays in its set, as while its sockets end. */
function carriers(count: number) {
  const closed: string[] = [];
  const tunnelOf = () => {
    const tunnel = {
      closing: false,
      move(why: string) {
        tunnel.closing = true;
        closed.push(why);
      },
    };
    return tunnel;
  };
  const replicas = [0, 1].map(() => ({ tunnels: new Set(Array.from({ length: count / 2 }, tunnelOf)) }));
  return { closed, table: { carriers: () => replicas as unknown as Replica[] } };
}

test("no tunnel is closed while balancers learn of the drain; then as many a second as allowed, until all are", () => {
  const { closed, table } = carriers(60);
  const drain = createProxyDrain(table, 20);
  drain.begin();
  expect(drain.active()).toBe(true);
  vi.advanceTimersByTime(1_900);
  expect(closed.length).toBe(0);
  vi.advanceTimersByTime(1_100);
  expect(closed.length).toBeGreaterThanOrEqual(18);
  expect(closed.length).toBeLessThanOrEqual(22);
  vi.advanceTimersByTime(2_500);
  expect(closed).toEqual(Array.from({ length: 60 }, () => "drained"));
});

test("a drain that ends closes nothing more, and may begin again", () => {
  const { closed, table } = carriers(60);
  const drain = createProxyDrain(table, 20);
  drain.begin();
  vi.advanceTimersByTime(2_500);
  drain.end();
  const before = closed.length;
  expect(drain.active()).toBe(false);
  vi.advanceTimersByTime(10_000);
  expect(closed.length).toBe(before);
  drain.begin();
  vi.advanceTimersByTime(1_900);
  expect(closed.length).toBe(before);
  vi.advanceTimersByTime(5_000);
  expect(closed.length).toBe(60);
});
