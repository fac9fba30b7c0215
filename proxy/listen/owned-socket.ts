import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** The read buffer shared by all sockets with `onread`. Bytes are copied out before the next read. */
export const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Handles what happens on a socket, a client's or a replica's. A socket has one owner at a time. The owner changes on
 * the way from the first byte to the tunnel (docs/a-connection.md).
 */
export interface SocketOwner {
  /** The connection to the replica is there. */
  connected?(): void;
  /**
   * A read: `size` bytes at the front of `buffer`, which the next read overwrites. False stops the reading, until
   * `resume`.
   */
  received(size: number, buffer: Uint8Array): boolean;
  /** The socket has sent all written bytes, so there is room again. */
  drained(): void;
  /** The other side will send no more. */
  ended(): void;
  /** `closed` follows. */
  failed(error: Error): void;
  closed(): void;
}

const ownerOf = Symbol("owner");
type Owned = Duplex & { [ownerOf]?: SocketOwner | undefined };

/** An owner that drops all input. */
export const nobody: SocketOwner = {
  received: () => true,
  drained: () => undefined,
  ended: () => undefined,
  failed: () => undefined,
  closed: () => undefined,
};

/**
 * Makes `owner` the owner of the socket. The first owner makes an accepted socket flow. The next ones cost nothing: the
 * listeners are added once, and are the same functions for all sockets.
 */
export function own(socket: Owned, owner: SocketOwner): void {
  const first = socket[ownerOf] === undefined;
  socket[ownerOf] = owner;
  if (first) listen(socket).on("data", onData);
}

/** Removes the owner and pauses the socket. */
export function disown(socket: Owned): void {
  socket.off("data", onData).off("drain", onDrain).off("end", onEnd).off("error", onError).off("close", onClose);
  socket[ownerOf] = undefined;
  socket.pause();
}

/** Connects to a replica; `owner` owns the socket from its start. Reads land in {@link readBuffer}. */
export function connectOwned({ host, port }: { host: string; port: number }, owner: SocketOwner): Socket {
  const socket: Socket & Owned = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: { buffer: readBuffer, callback: (size, buffer) => socket[ownerOf]?.received(size, buffer) ?? false },
  });
  socket[ownerOf] = owner;
  // Never removed, since it happens once.
  listen(socket).on("connect", onConnect);
  return socket;
}

/** Hands a read to the owner. Without one it is dropped. */
export function handToOwner(socket: Owned, size: number, buffer: Uint8Array): boolean {
  return socket[ownerOf]?.received(size, buffer) ?? true;
}

function listen<T extends Owned>(socket: T): T {
  return socket.on("drain", onDrain).on("end", onEnd).on("error", onError).on("close", onClose);
}
function onConnect(this: Owned): void {
  this[ownerOf]?.connected?.();
}
function onData(this: Owned, chunk: Buffer): void {
  if (this[ownerOf]?.received(chunk.length, chunk) === false) this.pause();
}
function onDrain(this: Owned): void {
  this[ownerOf]?.drained();
}
function onEnd(this: Owned): void {
  this[ownerOf]?.ended();
}
function onError(this: Owned, error: Error): void {
  this[ownerOf]?.failed(error);
}
function onClose(this: Owned): void {
  this[ownerOf]?.closed();
}
