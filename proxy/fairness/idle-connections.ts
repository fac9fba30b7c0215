import { limitKey } from "../../common/http/client-address.ts";
import type { HttpConnection } from "../listen/http-connection.ts";

/** Kept-alive connections of one client that may wait for their next request. Each costs 17 KiB. */
const maxIdle = 1_024;

/**
 * Finds the clients with many kept-alive connections without a request. Their next answers close their connections.
 * Nothing is cut, because a request can be on its way.
 */
export function createIdleConnections({ ipv6Prefix }: { ipv6Prefix: number }) {
  let clients = new Set<string>();

  return {
    /** Counts them, so that a request costs nothing. */
    sweep(connections: Iterable<HttpConnection>): void {
      const counts = new Map<string, number>();
      for (const connection of connections) {
        if (connection.busy || connection.address === undefined) continue;
        counts.set(connection.address, (counts.get(connection.address) ?? 0) + 1);
      }
      const sums = new Map<string, number>();
      for (const [address, count] of counts) {
        const key = limitKey(address, ipv6Prefix);
        sums.set(key, (sums.get(key) ?? 0) + count);
      }
      clients = new Set([...sums].filter(([, sum]) => sum > maxIdle).map(([key]) => key));
    },
    /** @param client canonical address */
    tooMany: (client: string): boolean => clients.size > 0 && clients.has(limitKey(client, ipv6Prefix)),
  };
}

export type IdleConnections = ReturnType<typeof createIdleConnections>;
