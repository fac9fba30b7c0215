import type { Socket } from "node:net";
import { type AddressSet, plainAddress } from "./client-address.ts";

/**
 * Caps client connections in all and per address. A connection over a cap is told so by the answer to its first
 * request; until then it is one more socket, so `hardCap` is where the listener itself drops.
 */
export function createConnectionLimits(options: { total: number; perClient: number; trusted: AddressSet }) {
  const perAddress = new Map<string, number>();
  const refused = new Set<string>();
  let total = 0;
  const nameOf = (socket: Pick<Socket, "remoteAddress" | "remotePort">) =>
    `${socket.remoteAddress} ${socket.remotePort}`;

  return {
    hardCap: options.total * 2,
    opened(socket: Socket): void {
      const address = plainAddress(socket.remoteAddress ?? "");
      const count = (perAddress.get(address) ?? 0) + 1;
      perAddress.set(address, count);
      total += 1;
      if (total > options.total || (count > options.perClient && !options.trusted(address))) {
        const name = nameOf(socket);
        refused.add(name);
        socket.once("close", () => refused.delete(name));
      }
      socket.on("close", () => {
        total -= 1;
        const left = (perAddress.get(address) ?? 1) - 1;
        if (left === 0) perAddress.delete(address);
        else perAddress.set(address, left);
      });
    },
    isRefused: (socket: Pick<Socket, "remoteAddress" | "remotePort">) =>
      refused.size > 0 && refused.has(nameOf(socket)),
  };
}

export type ConnectionLimits = ReturnType<typeof createConnectionLimits>;
