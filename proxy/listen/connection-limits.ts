import type { Socket } from "node:net";
import { type AddressSet, canonicalAddress, limitKey } from "../../common/http/client-address.ts";

/**
 * Caps client connections in all and per client (an IPv4 address, a network of IPv6). A connection over a cap gets a
 * refusal as the answer to its first request, and counts as a socket until then. Connections over twice a client's cap
 * are dropped at once; at `hardCap` the listener itself drops.
 */
export function createConnectionLimits(options: {
  total: number;
  perClient: number;
  ipv6Prefix: number;
  trusted: AddressSet;
}) {
  const perClient = new Map<string, number>();
  const refused = new Set<string>();
  let total = 0;
  const nameOf = (socket: Pick<Socket, "remoteAddress" | "remotePort">) =>
    `${socket.remoteAddress} ${socket.remotePort}`;

  return {
    hardCap: options.total * 2,
    opened(socket: Socket): void {
      const address = canonicalAddress(socket.remoteAddress ?? "") ?? "";
      const client = limitKey(address, options.ipv6Prefix);
      const count = (perClient.get(client) ?? 0) + 1;
      const over = count > options.perClient && !options.trusted(address);
      if (over && count > 2 * options.perClient) {
        socket.destroy();
        return;
      }
      perClient.set(client, count);
      // A client's connections over its cap do not count towards the total.
      if (!over) total += 1;
      if (over || total > options.total) {
        const name = nameOf(socket);
        refused.add(name);
        socket.once("close", () => refused.delete(name));
      }
      socket.on("close", () => {
        if (!over) total -= 1;
        const left = (perClient.get(client) ?? 1) - 1;
        if (left === 0) perClient.delete(client);
        else perClient.set(client, left);
      });
    },
    /** Address of a connection's client; undefined for a trusted proxy, which carries many clients. */
    accountable(socket: Pick<Socket, "remoteAddress">): string | undefined {
      const address = canonicalAddress(socket.remoteAddress ?? "");
      return address === undefined || options.trusted(address) ? undefined : address;
    },
    isRefused: (socket: Pick<Socket, "remoteAddress" | "remotePort">) =>
      refused.size > 0 && refused.has(nameOf(socket)),
  };
}

export type ConnectionLimits = ReturnType<typeof createConnectionLimits>;
