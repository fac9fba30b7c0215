import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { freeNow } from "./free.ts";
import type { Ledger } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Pace } from "./pace.ts";

/** Fragments that a message may come in, and chunks that a frame may be read in. */
const maxFragments = 1_024;
const maxChunks = 4_096;
/** What a fragment or chunk costs beside its own bytes, about. */
const overheadBytes = 128;
/** Try again later (the IANA registry of close codes). */
const tryAgainLater = 1013;

/** What `ws` has of a message that is not complete. */
interface Receiver {
  _bufferedBytes: number;
  _buffers: readonly Buffer[];
  _messageLength: number;
  _fragments: readonly Buffer[];
}

/**
 * A WebSocket server class, for `ws` and as Engine.IO's `wsEngine`: its sockets take few fragments, and the ledger
 * counts what they have of a message that is not complete. A ping is answered when it is read, at the connection's
 * pace.
 */
export function boundedWebSocketServer(unfinished: Ledger): new (options: ServerOptions) => WebSocketServer {
  return class BoundedWebSocketServer extends WebSocketServer {
    constructor(options: ServerOptions) {
      super({ ...options, maxFragments, maxBufferedChunks: maxChunks, autoPong: false });
    }
    override handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      callback: (webSocket: InstanceType<typeof WebSocket>, request: IncomingMessage) => void,
    ): void {
      super.handleUpgrade(request, socket, head, (webSocket, upgraded) => {
        const receiver = receiverOf(webSocket);
        const account = unfinished.open(() => {
          webSocket.close(tryAgainLater, "too much is unfinished here");
          webSocket.terminate();
          freeNow(receiver._buffers);
          freeNow(receiver._fragments);
        });
        // Behind the listener of `ws`, which has taken the chunk by then.
        socket.on("data", () => {
          const parts = receiver._buffers.length + receiver._fragments.length;
          account.set(parts === 0 ? 0 : receiver._bufferedBytes + receiver._messageLength + parts * overheadBytes);
        });
        socket.on("close", () => account.close());
        callback(webSocket, upgraded);
      });
    }
  };
}

/**
 * Answers pings at the connection's pace. `ws` would answer each by itself, and hold the answers for a client that
 * does not read them.
 */
export function paceControlFrames(webSocket: WebSocket, limits: Limits, pace: Pick<Pace, "refused">): void {
  webSocket.on("ping", (data: Buffer) => {
    if (limits.take(1)) webSocket.pong(data);
    else pace.refused("silent");
  });
  webSocket.on("pong", () => {
    if (!limits.take(1)) pace.refused("silent");
  });
}

/** @throws Error where `ws` keeps what is unfinished elsewhere */
function receiverOf(webSocket: WebSocket): Receiver {
  const receiver = (webSocket as unknown as { _receiver?: Partial<Receiver> })._receiver;
  const { _bufferedBytes, _buffers, _messageLength, _fragments } = receiver ?? {};
  if (
    typeof _bufferedBytes !== "number" ||
    typeof _messageLength !== "number" ||
    !Array.isArray(_buffers) ||
    !Array.isArray(_fragments)
  )
    throw new Error("ws keeps unfinished messages elsewhere: their bound is without effect");
  return receiver as Receiver;
}
