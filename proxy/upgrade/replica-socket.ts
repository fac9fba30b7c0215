import { connect, type Socket } from "node:net";

/** One read buffer for all sockets of this program that are read so: what is read is copied out before the next read. */
export const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** Who owns a replica socket: who asks something first, then what comes of it. */
export interface ReplicaOwner {
  /** A read, in a buffer that all sockets share; false stops the reading. */
  take(size: number, buffer: Uint8Array): boolean;
  /** What was written is on its way: there is room again. */
  drained(): void;
  /** The replica will send no more. */
  ended(): void;
  /** `closed` follows. */
  failed(error: Error): void;
  closed(): void;
}

/** Between two owners a reset only closes the socket, which the next one sees by `destroyed`. */
export const nobody: ReplicaOwner = {
  take: () => false,
  drained: () => undefined,
  ended: () => undefined,
  failed: () => undefined,
  closed: () => undefined,
};

/** Where a replica socket finds its owner, who may change. */
export class Slot {
  owner = nobody;
  readonly handTo = (owner: ReplicaOwner): void => {
    this.owner = owner;
  };
}

/** Connects to a replica and sends `request` (latin1). The owner in `slot` is told what becomes of the socket. */
export function ask({ host, port }: { host: string; port: number }, request: string, slot: Slot): Socket {
  const socket = connectInto(host, port, slot);
  // A write before it is connected would be kept by more listeners than this one.
  return socket.once("connect", () => socket.write(request, "latin1"));
}

/** Apart from `ask`, so that the callbacks, which live as long as the socket, do not keep the request alive. */
function connectInto(host: string, port: number, slot: Slot): Socket {
  return connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: { buffer: readBuffer, callback: (size, buffer) => slot.owner.take(size, buffer) },
  })
    .on("drain", () => slot.owner.drained())
    .on("end", () => slot.owner.ended())
    .on("error", (error) => slot.owner.failed(error))
    .on("close", () => slot.owner.closed());
}
