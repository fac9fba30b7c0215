import type { Duplex } from "node:stream";

/** Who owns a client's socket: who waits for its first bytes, then who asks a replica, then the tunnel. */
export interface ClientOwner {
  clientSent(chunk: Buffer): void;
  /** What was written is on its way: there is room again. */
  clientDrained(): void;
  /** The client will send no more. */
  clientEnded(): void;
  /** `clientClosed` follows. */
  clientFailed(): void;
  clientClosed(): void;
}

const owner = Symbol("owner");
type Owned = Duplex & { [owner]?: ClientOwner | undefined };

/** Whatever comes is dropped. */
export const nobody: ClientOwner = {
  clientSent: () => undefined,
  clientDrained: () => undefined,
  clientEnded: () => undefined,
  clientFailed: () => undefined,
  clientClosed: () => undefined,
};

/**
 * From now on `by` is told what becomes of the socket. The first owner makes it flow; the next ones cost nothing: the
 * listeners are added once, and are the same functions for all sockets.
 */
export function own(socket: Owned, by: ClientOwner): void {
  const first = socket[owner] === undefined;
  socket[owner] = by;
  if (!first) return;
  socket.on("data", onData).on("drain", onDrain).on("end", onEnd).on("error", onError).on("close", onClose);
}

/** Nobody's again, and paused. */
export function disown(socket: Owned): void {
  socket.off("data", onData).off("drain", onDrain).off("end", onEnd).off("error", onError).off("close", onClose);
  socket[owner] = undefined;
  socket.pause();
}

function onData(this: Owned, chunk: Buffer): void {
  this[owner]?.clientSent(chunk);
}
function onDrain(this: Owned): void {
  this[owner]?.clientDrained();
}
function onEnd(this: Owned): void {
  this[owner]?.clientEnded();
}
function onError(this: Owned): void {
  this[owner]?.clientFailed();
}
function onClose(this: Owned): void {
  this[owner]?.clientClosed();
}
