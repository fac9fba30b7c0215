import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { freeNow } from "../../common/http/free-buffers.ts";
import type { Linked } from "./linked-set.ts";
import { MessageCutter } from "./message-cutter.ts";
import type { Holder, PendingBody, PendingBytes } from "./pending-bytes.ts";

/** Bytes that may wait on one connection while a request is answered. */
const waitingLimit = 16_384;
/** Memory of a parser with an unfinished head, and for each byte of a head: each of its names and values is a string. */
const parserBytes = 4_096;
const memoryAByte = 8;
/** The head of a request under way counts beyond this, bytes: many clients behind one address have large cookies. */
const usualHeadBytes = 4_096;

/** The memory of larger reads is given back as soon as they are parsed. V8 lets 50 MB of them pile up. */
const freedAbove = 16_384;

const nothing = Buffer.alloc(0);
const kept = Symbol("connection");
type Kept = Socket & { [kept]?: HttpConnection };

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
type Parse = (this: Socket, bytes: Buffer) => void;

/**
 * A connection that Node's HTTP server serves. Node's parser reads all that it is given: one read of 64 KiB can hold
 * hundreds of pipelined requests (RFC 9112, 9.3.2), with thousands of header lines. Here the parser is given one message
 * at a time. What comes behind it waits as bytes until it is answered (docs/decisions/one-message-at-a-time.md).
 */
export class HttpConnection implements Linked, Holder {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly address: string | undefined;
  readonly #socket: Socket;
  readonly #pending: PendingBytes;
  readonly #parse: Parse | undefined;
  readonly #cutter = new MessageCutter();
  /** The current answer, or the last one. */
  answering: ServerResponse | undefined;
  /** Bytes behind the request that is being answered, and their place in the client's budget. */
  #waiting: Buffer = nothing;
  #place: PendingBody | undefined;
  /** Bytes that the parser was given, in all and up to the end of the last complete message. */
  #parsed = 0;
  #completeTo = 0;
  /** Bytes of the last head; 0 if a body follows, which is counted by itself. */
  #head = 0;
  #hasBody = false;
  readonly #refuse: () => void;

  /**
   * Takes the reading of the socket over from Node's HTTP server.
   *
   * @param address of the client whose limits it counts for; undefined: it comes from a trusted proxy
   * @param refuse counts a connection that is closed because too much waits on it
   */
  constructor(socket: Socket, address: string | undefined, pending: PendingBytes, refuse: () => void) {
    this.#socket = socket;
    this.address = address;
    this.#pending = pending;
    this.#refuse = refuse;
    (socket as Kept)[kept] = this;
    this.#parse = socket.listeners("data")[0] as Parse | undefined;
    // A Node that reads in another way parses by itself. Then `take` closes a connection that pipelines.
    if (this.#parse !== undefined) socket.off("data", this.#parse).on("data", onData);
  }

  static of(socket: Socket): HttpConnection | undefined {
    return (socket as Kept)[kept];
  }

  /** True while an answer is incomplete. */
  get busy(): boolean {
    return this.answering !== undefined && !this.answering.writableFinished;
  }

  received(bytes: Buffer): void {
    if (this.#waiting.length > 0) this.#wait(Buffer.concat([this.#waiting, bytes]));
    else if (this.#give(bytes) && bytes.length > freedAbove) freeNow([bytes]);
  }
  /** Returns true if nobody keeps a part of these bytes: there was no body among them. */
  #give(bytes: Buffer): boolean {
    let isFree = this.answering?.req.complete !== false;
    let rest = bytes;
    while (rest.length > 0) {
      // The last answer has said that it is the last.
      if (!this.#socket.writable) return isFree;
      if (this.#socket.isPaused()) {
        this.#socket.unshift(rest);
        return false;
      }
      if (this.busy && this.answering?.req.complete === true) {
        this.#wait(rest);
        return isFree;
      }
      const size = this.#cutter.next(rest);
      const piece = size === rest.length ? rest : rest.subarray(0, size);
      rest = size === rest.length ? nothing : rest.subarray(size);
      this.#waiting = rest;
      this.#parsed += size;
      this.#parse?.call(this.#socket, piece);
      this.#waiting = nothing;
      if (HttpConnection.of(this.#socket) !== this) return false;
      if (this.#hasBody) isFree = false;
    }
    return isFree;
  }
  #wait(bytes: Buffer): void {
    const isNew = this.#waiting.length === 0;
    this.#place?.end();
    this.#place = bytes.length > waitingLimit ? undefined : this.#pending.beginBody(this.address, bytes.length);
    if (this.#place === undefined) {
      this.#refuse();
      this.#socket.destroy();
      return;
    }
    // A copy: a part of a read keeps the whole read in memory.
    this.#waiting = Buffer.from(bytes);
    if (isNew) this.answering?.once("close", this.#goOn);
  }
  readonly #goOn = (): void => {
    const bytes = this.#waiting;
    this.closed();
    this.#give(bytes);
  };

  /** Serves a request. False: the one before it is not answered yet. */
  take(request: IncomingMessage, response: ServerResponse, serve: Serve): boolean {
    if (this.busy) return false;
    const begunAt = this.#completeTo;
    this.#complete();
    const { headers } = request;
    const length = headers["content-length"];
    this.#hasBody = length !== undefined || headers["transfer-encoding"] !== undefined;
    this.#head = this.#hasBody ? 0 : this.#completeTo - begunAt;
    if (this.#hasBody) {
      this.#cutter.body(Number(length ?? 0));
      request.once("end", () => this.#complete());
    }
    this.answering = response;
    serve(request, response);
    return true;
  }
  #complete(): void {
    this.#completeTo = this.#parsed;
  }

  /** Gives the socket up: it is no HTTP any more. Returns the bytes behind the last message. */
  release(behind: Buffer): Buffer {
    const bytes = this.#waiting.length === 0 ? behind : Buffer.concat([behind, this.#waiting]);
    this.closed();
    this.#socket.off("data", onData);
    delete (this.#socket as Kept)[kept];
    return bytes;
  }

  /** Bytes of unread answers, of an incomplete head and of a long one. Bodies are counted as they arrive. */
  heldBytes(): number {
    const unread = this.#socket.writableLength + this.#socket.readableLength;
    if (this.busy) return unread + 2 * Math.max(0, this.#head - usualHeadBytes);
    const head = this.#parsed - this.#completeTo;
    return head <= 0 ? unread : unread + memoryAByte * head + parserBytes;
  }
  destroy(): void {
    this.#socket.destroy();
  }
  /** The socket is closed: nothing waits on it any more. */
  closed(): void {
    this.#waiting = nothing;
    this.#place?.end();
    this.#place = undefined;
  }
}

function onData(this: Socket, bytes: Buffer): void {
  HttpConnection.of(this)?.received(bytes);
}
