import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type AnswerHead, createAnswerReader } from "./answer-head.ts";
import { TryTimeout } from "./try-errors.ts";
import { passOn } from "./tunnel.ts";

/** One read buffer for all replica sockets: what is read is copied out before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);
/** Idle time before TCP asks whether the other side is still there, ms. */
export const tcpKeepAliveMs = 15_000;

/** A replica's answer to an upgrade request, and its socket, paused, with what follows still to come. */
export interface Handshaken {
  head: AnswerHead;
  socket: Socket;
  /** From now on all that is read goes to `to`, under back-pressure. */
  relayTo(to: Duplex): void;
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
  let relay: Duplex | undefined;

  const socket = connect({
    ...{ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs },
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback: (size, buffer) => (relay === undefined ? answer(size, buffer) : passOn(relay, size, buffer)),
    },
  });
  const fail = (error: Error) => {
    clearTimeout(timer);
    socket.destroy();
    reject(error);
  };
  const onEnd = () => fail(new Error("the replica closed the connection before it answered"));
  const timer = setTimeout(() => fail(new TryTimeout(`no answer to the upgrade within ${timeoutMs} ms`)), timeoutMs);
  socket.once("error", fail).once("end", onEnd).once("close", onEnd);
  socket.write(request, "latin1");

  function answer(size: number, buffer: Uint8Array): boolean {
    let head: AnswerHead | undefined;
    try {
      head = reader.push(Buffer.from(buffer.subarray(0, size)));
    } catch (error) {
      fail(error as Error);
      return false;
    }
    if (head === undefined) return true;
    clearTimeout(timer);
    socket.off("end", onEnd).off("close", onEnd);
    resolve({
      head,
      socket,
      relayTo(to) {
        socket.off("error", fail);
        relay = to;
        socket.resume();
      },
    });
    return false;
  }
  return { answered: promise, abort: fail };
}
