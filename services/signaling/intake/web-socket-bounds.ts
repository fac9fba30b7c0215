import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { freeNow } from "../../../common/http/free-buffers.ts";
import type { Holder, Ledger } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { Pace } from "./pace.ts";

/** Fragments that a message may come in, and chunks that a frame may be read in. A token pays for all of them. */
const maxFragments = 64;
const maxChunks = 4_096;
/** Approximate memory of a fragment or chunk besides its bytes. */
const overheadBytes = 128;
/** Try again later (the IANA registry of close codes). */
const tryAgainLater = 1013;

/** Properties: a network socket's count of unfinished bytes, and a WebSocket's pace. */
const unfinishedKey = Symbol("unfinished");
const pacedKey = Symbol("paced");

/** The incomplete message of `ws`. */
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
        countUnfinished(webSocket, socket, unfinished);
        callback(webSocket, upgraded);
      });
    }
  };
}

/** The incomplete message of one WebSocket. */
class Unfinished implements Holder {
  readonly #webSocket: WebSocket;
  readonly #receiver: Receiver;
  readonly #ledger: Ledger;

  constructor(webSocket: WebSocket, ledger: Ledger) {
    this.#webSocket = webSocket;
    this.#receiver = receiverOf(webSocket);
    this.#ledger = ledger;
  }
  count(): void {
    const { _buffers, _fragments, _bufferedBytes, _messageLength } = this.#receiver;
    const parts = _buffers.length + _fragments.length;
    this.#ledger.enter(this, parts === 0 ? 0 : _bufferedBytes + _messageLength + parts * overheadBytes);
  }
  end(): void {
    this.#ledger.enter(this, 0);
  }
  evict(): void {
    this.#webSocket.close(tryAgainLater, "too much is unfinished here");
    this.#webSocket.terminate();
    freeNow(this.#receiver._buffers);
    freeNow(this.#receiver._fragments);
  }
}

interface Counted extends Duplex {
  [unfinishedKey]?: Unfinished;
}

// The listeners are shared: one for each connection would be most of what it keeps.
function countUnfinished(webSocket: WebSocket, socket: Counted, ledger: Ledger): void {
  socket[unfinishedKey] = new Unfinished(webSocket, ledger);
  // Behind the listener of `ws`, which has taken the chunk by then.
  socket.on("data", onData).on("close", onClose);
}
function onData(this: Counted): void {
  this[unfinishedKey]?.count();
}
function onClose(this: Counted): void {
  this[unfinishedKey]?.end();
}

/** Whose pace a WebSocket follows. */
interface Paced {
  readonly limits: Limits;
  readonly pace: Pick<Pace, "refused">;
}
interface PacedWebSocket extends WebSocket {
  [pacedKey]?: Paced;
}

/**
 * Answers pings at the connection's pace. `ws` would answer each by itself, and hold the answers for a client that
 * does not read them.
 */
export function paceControlFrames(webSocket: PacedWebSocket, paced: Paced): void {
  webSocket[pacedKey] = paced;
  webSocket.on("ping", onPing).on("pong", onPong);
}
function onPing(this: PacedWebSocket, data: Buffer): void {
  if (this[pacedKey]?.limits.take(1)) this.pong(data);
  else this[pacedKey]?.pace.refused("silent");
}
function onPong(this: PacedWebSocket): void {
  if (this[pacedKey]?.limits.take(1) === false) this[pacedKey].pace.refused("silent");
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
