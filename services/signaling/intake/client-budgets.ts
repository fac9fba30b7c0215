import type { IncomingMessage } from "node:http";
import { canonicalAddress, limitKey } from "../../../common/http/client-address.ts";
import type { Config } from "../config.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Interval at which budgets that nobody needs are dropped, ms. */
const forgetEveryMs = 10_000;

/** The events that all connections of one client address may send to this replica. */
export interface ClientBudget {
  readonly events: TokenBucket;
  readonly changes: TokenBucket;
  connections: number;
}

/**
 * The budgets of all clients (docs/decisions/client-events.md). A budget outlives its last connection until its buckets
 * are full again, so that new connections get no new budget.
 */
export function createClientBudgets(config: Config) {
  const budgets = new Map<string, ClientBudget>();
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [key, { connections, events, changes }] of budgets)
      if (connections === 0 && events.isFull(now) && changes.isFull(now)) budgets.delete(key);
  }, forgetEveryMs).unref();

  return {
    /** The budget of a request's client, which has one more connection. */
    open(request: IncomingMessage): ClientBudget {
      const key = limitKey(addressOf(request), config.CLIENT_IPV6_PREFIX);
      let budget = budgets.get(key);
      if (budget === undefined) {
        const now = performance.now();
        budget = {
          events: new TokenBucket(config.CLIENT_EVENT_BURST, config.CLIENT_EVENTS_PER_SECOND, now),
          changes: new TokenBucket(config.CLIENT_JOIN_BURST, config.CLIENT_JOINS_PER_SECOND, now),
          connections: 0,
        };
        budgets.set(key, budget);
      }
      budget.connections += 1;
      return budget;
    },
    close: () => clearInterval(timer),
  };
}

export type ClientBudgets = ReturnType<typeof createClientBudgets>;

/** The proxy names the client first, then the trusted proxies in front of it. */
function addressOf({ headers, socket }: IncomingMessage): string {
  const forwardedFor = headers["x-forwarded-for"];
  const named = typeof forwardedFor === "string" ? forwardedFor.split(",", 1)[0] : undefined;
  return canonicalAddress(named ?? "") ?? canonicalAddress(socket.remoteAddress ?? "") ?? "";
}
