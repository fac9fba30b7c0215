import type { IncomingMessage } from "node:http";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { schema } from "../config.ts";
import { createClientBudgets } from "./client-budgets.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const budgetsOf = (env: Record<string, string> = {}) =>
  createClientBudgets(schema.parse({ CLIENT_EVENT_BURST: "100", CLIENT_EVENTS_PER_SECOND: "5", ...env }));

/** A request as the proxy forwards it; without a name, directly from its sender. */
const from = (remoteAddress: string, forwardedFor?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor },
  }) as unknown as IncomingMessage;

test("the first address that the proxy names is the client; without one, the sender is", () => {
  const budgets = budgetsOf();
  const client = budgets.open(from("127.0.0.1", "198.51.100.7, 10.0.0.1"));
  expect(budgets.open(from("127.0.0.2", "198.51.100.7"))).toBe(client);
  expect(budgets.open(from("::ffff:198.51.100.7"))).toBe(client);
  expect(budgets.open(from("127.0.0.1"))).not.toBe(client);
  expect(budgets.open(from("198.51.100.7", "10.0.0.1"))).not.toBe(client);
  budgets.close();
});

test("an IPv6 network is one client, of the configured size", () => {
  for (const [bits, isOne] of [
    ["64", false],
    ["48", true],
  ] as const) {
    const budgets = budgetsOf({ CLIENT_IPV6_PREFIX: bits });
    const client = budgets.open(from("127.0.0.1", "2001:db8:0:1::1"));
    expect(budgets.open(from("127.0.0.1", "2001:db8:0:1:ffff::2"))).toBe(client);
    expect(budgets.open(from("127.0.0.1", "2001:db8:0:2::1")) === client).toBe(isOne);
    budgets.close();
  }
});

test("a used-up budget outlives its last connection until it is full again", () => {
  const budgets = budgetsOf();
  const client = budgets.open(from("198.51.100.7"));
  expect(client.events.take(performance.now(), 100)).toBe(true);
  client.connections -= 1;
  vi.advanceTimersByTime(10_000);
  expect(budgets.open(from("198.51.100.7"))).toBe(client);
  client.connections -= 1;
  vi.advanceTimersByTime(20_000);
  expect(budgets.open(from("198.51.100.7"))).not.toBe(client);
  budgets.close();
});

test("a budget with a connection is kept", () => {
  const budgets = budgetsOf();
  const client = budgets.open(from("198.51.100.7"));
  vi.advanceTimersByTime(60_000);
  expect(budgets.open(from("198.51.100.7"))).toBe(client);
  budgets.close();
});
