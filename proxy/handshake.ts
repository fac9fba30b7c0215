import { connect, type Socket } from "node:net";
import { type AnswerHead, createAnswerReader } from "./answer-head.ts";
import { TryTimeout } from "./try-errors.ts";

/** One read buffer for all replica sockets: what is read is copied out before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** Who owns a replica socket: the handshake first, then what comes of it. */
export interface Owner {
  /** A read, in a buffer that all replica sockets share; false stops the reading. */
  take(size: number, buffer: Uint8Array): boolean;
  /** The replica will send no more. */
  ended(): void;
  /** `closed` follows. */
  failed(error: Error): void;
  closed(): void;
}

/** A replica's answer to an upgrade request, and its socket, paused, with what follows still to come. */
export interface Handshaken {
  head: AnswerHead;
  socket: Socket;
  /** From now on `owner` is told what becomes of the socket; resume it then: what is read goes to `owner.take`. */
  handTo(owner: Owner): void;
}

export interface HandshakeTry {
  answered: Promise<Handshaken>;
  /** Gives up: `answered` rejects with this error. */
  abort(error: Error): void;
}

/**
 * Sends an upgrade request to a replica on a connection of its own and waits for the head of the answer, whatever
 * its status. Rejects with the socket's error, or when `timeoutMs` have passed without a complete head: a replica
 * that accepts and says nothing must not hold a client.
 */
export function handshake(
  { host, port }: { host: string; port: number },
  request: string,
  timeoutMs: number,
): HandshakeTry {
  const reader = createAnswerReader();
  const { promise, resolve, reject } = Promise.withResolvers<Handshaken>();
  const slot: Slot = { owner: { take, ended, failed, closed: ended } };
  const socket = connectInto(host, port, slot);
  const timer = setTimeout(() => failed(new TryTimeout(`no answer to the upgrade within ${timeoutMs} ms`)), timeoutMs);
  socket.write(request, "latin1");

  function failed(error: Error): void {
    clearTimeout(timer);
    socket.destroy();
    reject(error);
  }
  function ended(): void {
    failed(new Error("the replica closed the connection before it answered"));
  }
  function take(size: number, buffer: Uint8Array): boolean {
    try {
      const head = reader.push((buffer as Buffer).toString("latin1", 0, size));
      if (head === undefined) return true;
      clearTimeout(timer);
      slot.owner = nobody;
      const handTo = (owner: Owner) => {
        slot.owner = owner;
      };
      resolve({ head, socket, handTo });
    } catch (error) {
      failed(error as Error);
    }
    return false;
  }
  return { answered: promise, abort: failed };
}

interface Slot {
  owner: Owner;
}

/** Between two owners a reset only closes the socket, which the next one sees by `destroyed`. */
const nobody: Owner = {
  take: () => false,
  ended: () => undefined,
  failed: () => undefined,
  closed: () => undefined,
};

/** Apart from the handshake, so that the callbacks, which live as long as the socket, keep nothing of it alive. */
function connectInto(host: string, port: number, slot: Slot): Socket {
  return connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: { buffer: readBuffer, callback: (size, buffer) => slot.owner.take(size, buffer) },
  })
    .on("end", () => slot.owner.ended())
    .on("error", (error) => slot.owner.failed(error))
    .on("close", () => slot.owner.closed());
}
