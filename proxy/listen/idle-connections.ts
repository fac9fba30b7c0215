import { limitKey } from "../../common/http/client-address.ts";

/** Kept-alive connections of one client that may wait for their next request. Each costs 17 KiB. */
const maxIdle = 1_024;

/**
 * Counts the kept-alive connections on which a client has no request, for each client. Above a limit its next answers
 * close their connections. Nothing is cut, because a request can be on its way.
 */
export function createIdleConnections({ ipv6Prefix }: { ipv6Prefix: number }) {
  const idle = new Map<string, number>();
  const keyOf = (client: string) => limitKey(client, ipv6Prefix);

  return {
    /** @param by 1 or -1 */
    count(client: string, by: number): void {
      const key = keyOf(client);
      const sum = (idle.get(key) ?? 0) + by;
      if (sum === 0) idle.delete(key);
      else idle.set(key, sum);
    },
    tooMany: (client: string): boolean => (idle.get(keyOf(client)) ?? 0) >= maxIdle,
  };
}

export type IdleConnections = ReturnType<typeof createIdleConnections>;
