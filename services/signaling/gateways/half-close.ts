import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Log } from "../../../common/log.ts";

/** Property of a network socket with what its half-close does. */
const heldKey = Symbol("half-close");

interface Held<Carrier extends object> {
  webSocket: WebSocket;
  carrier: Carrier;
  /** Resolves when the other side may end too; undefined: at once. Never rejects. */
  leave: (carrier: Carrier) => Promise<void> | undefined;
  /** The listener of `ws`, which ends the other side. */
  end: () => void;
}
interface HeldSocket extends Duplex {
  [heldKey]?: Held<never>;
}

/** Keeps the way to the client open for a moment when the client's side ends without a close frame. */
export type HoldHalfClose = <Carrier extends object>(
  webSocket: WebSocket,
  carrier: Carrier,
  leave: Held<Carrier>["leave"],
) => void;

/**
 * A proxy that stops ends its clients' sides so (docs/decisions/moved-tunnels.md). `ws` alone ends both sides at once, and
 * its listener for that is replaced. Without `hold`, and where `ws` is built differently, `ws` goes on as it does; the
 * latter is logged once.
 */
export function createHalfClose({ mode, log }: { mode: "hold" | "end"; log: Log }): HoldHalfClose {
  let isToldOf = false;
  return (webSocket, carrier, leave) => {
    if (mode === "end") return;
    const { _socket: socket } = webSocket as unknown as { _socket?: HeldSocket };
    const end = socket?.listeners("end").find(({ name }) => name === "socketOnEnd") as (() => void) | undefined;
    if (socket === undefined || end === undefined) {
      if (!isToldOf) log.warn("ws listens elsewhere for the end of a connection: a proxy that stops may lose signals");
      isToldOf = true;
      return;
    }
    socket[heldKey] = { webSocket, carrier, leave, end } as unknown as Held<never>;
    socket.off("end", end).on("end", onEnd);
  };
}

// Shared: a listener of each socket's own would cost more.
function onEnd(this: HeldSocket): void {
  const { [heldKey]: held } = this;
  if (held === undefined) return;
  const { webSocket, carrier, leave, end } = held;
  // Nothing may follow a close frame (RFC 6455, 5.5.1).
  const left = webSocket.readyState === webSocket.OPEN ? leave(carrier) : undefined;
  if (left === undefined) end.call(this);
  else void left.then(() => this.destroyed || end.call(this));
}
