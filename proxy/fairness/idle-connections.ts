import { limitKey } from "../../common/http/client-address.ts";

/** Kept-alive connections of one client that may wait for their next request. Each costs 17 KiB. */
const maxIdle = 1_024;

/** The connections of one client. */
export interface ClientCount {
  open: number;
  /** Those without a request. */
  idle: number;
}

/**
 * Counts the kept-alive connections without a request, for each client. Above a limit its answers close theirs. Nothing
 * is cut, because a request can be on its way.
 */
export function createIdleConnections({ ipv6Prefix }: { ipv6Prefix: number }) {
  const clients = new Map<string, ClientCount>();

  return {
    /** The client's count, with one more open. `client` is its canonical address. */
    opened(client: string): ClientCount {
      const key = limitKey(client, ipv6Prefix);
      const count = clients.get(key) ?? { open: 0, idle: 0 };
      clients.set(key, count);
      count.open += 1;
      return count;
    },
    closed(client: string, count: ClientCount): void {
      count.open -= 1;
      if (count.open === 0) clients.delete(limitKey(client, ipv6Prefix));
    },
    tooMany: ({ idle }: ClientCount): boolean => idle >= maxIdle,
  };
}

export type IdleConnections = ReturnType<typeof createIdleConnections>;
