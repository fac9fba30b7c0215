import { connect, type Socket } from "node:net";
import { type AnswerHead, createAnswerReader } from "./answer-head.ts";
import { TryTimeout } from "./try-errors.ts";

/** One read buffer for all replica sockets: what is read is copied out before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);
/** Idle time before TCP asks whether the other side is still there, ms. */
export const tcpKeepAliveMs = 15_000;

/** Where a replica socket's reads go: `take` gets the shared buffer, and returns false to stop the reading. */
export interface Sink {
  take(size: number, buffer: Uint8Array): boolean;
}

/** A replica's answer to an upgrade request, and its socket, paused, with what follows still to come. */
export interface Handshaken {
  head: AnswerHead;
  socket: Socket;
  /** Give it another `take`, then resume the socket: that gets all that is read from now on. */
  sink: Sink;
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
  const sink: Sink = { take: answer };
  const socket = connectInto(host, port, sink);
  const fail = (error: Error) => {
    clearTimeout(timer);
    socket.destroy();
    reject(error);
  };
  const onEnd = () => fail(new Error("the replica closed the connection before it answered"));
  const timer = setTimeout(() => fail(new TryTimeout(`no answer to the upgrade within ${timeoutMs} ms`)), timeoutMs);
  socket.on("error", fail).on("end", onEnd).on("close", onEnd);
  socket.write(request, "latin1");

  function answer(size: number, buffer: Uint8Array): boolean {
    try {
      const head = reader.push(Buffer.from(buffer.subarray(0, size)));
      if (head === undefined) return true;
      clearTimeout(timer);
      socket.on("error", ignore).off("error", fail).off("end", onEnd).off("close", onEnd);
      resolve({ head, socket, sink });
    } catch (error) {
      fail(error as Error);
    }
    return false;
  }
  return { answered: promise, abort: fail };
}

/** Errors are acted on by whoever owns the socket next; until then it must have a listener. */
function ignore(): void {
  // The close that follows tells the owner.
}

/** Apart from the handshake, so that the callback, which lives as long as the socket, keeps nothing of it alive. */
function connectInto(host: string, port: number, sink: Sink): Socket {
  return connect({
    ...{ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs, allowHalfOpen: true },
    onread: { buffer: readBuffer, callback: (size, buffer) => sink.take(size, buffer) },
  });
}
