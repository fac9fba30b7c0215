import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { freeNow } from "../../common/http/free-buffers.ts";
import type { IdleConnections, KeptAlive } from "../fairness/idle-connections.ts";
import type { Turns } from "../fairness/turns.ts";
import type { ReadInto } from "../tuning/late-onread.ts";
import type { Linked } from "./linked-set.ts";
import { MessageCutter } from "./message-cutter.ts";
import { handToOwner, readBuffer } from "./owned-socket.ts";
import { type Holder, memoryOf, type PendingBody, type PendingBytes, pieceCost } from "./pending-bytes.ts";

/** Bytes that may wait on one connection while a request is answered. */
const waitingLimit = 16_384;
/** Bytes of a read that are parsed at once. What is left of it waits for a turn. */
const bytesATurn = 8_192;
/** A piece counts as so many bytes more. */
const pieceBytes = 32;

/** The memory of larger reads is given back as soon as they are parsed. V8 lets 50 MB of them pile up. */
const freedAbove = 16_384;

const nothing = Buffer.alloc(0);
const kept = Symbol("connection");
type Kept = Socket & { [kept]?: HttpConnection };

export interface HttpConnectionOptions {
  /** The client for whose limits it counts; undefined: it comes from a trusted proxy. */
  address: string | undefined;
  pending: PendingBytes;
  readInto: ReadInto;
  turns: Turns;
  idle: IdleConnections;
  /** Counts a connection that is closed because too much waits on it (`pipelining`), or of its client (`pending`). */
  refuse(reason: "pipelining" | "pending"): void;
}

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
  readonly #options: HttpConnectionOptions;
  readonly #parse: Parse | undefined;
  readonly #cutter = new MessageCutter();
  /** The current answer, or the last one if its request is not complete. */
  answering: ServerResponse | undefined;
  /** Bytes behind the request that is being answered. */
  #waiting: Buffer = nothing;
  /** A place in the client's budget for the bytes that wait, for an answer or a turn. */
  #place: PendingBody | undefined;
  /** Bytes that the parser was given, in all and up to the end of the last complete message. */
  #parsed = 0;
  #completeTo = 0;
  /** Bytes of the last head; 0 if a body follows, which is counted by itself. */
  #head = 0;
  readonly keptAlive: KeptAlive;
  /** The next read has its turn: it is the first one, or the socket is paused until then. */
  #hasTurn = true;

  /** Takes the reading of the socket over from Node's HTTP server. */
  constructor(socket: Socket, options: HttpConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.address = options.address;
    this.keptAlive = options.idle.opened(options.address);
    (socket as Kept)[kept] = this;
    this.#parse = socket.listeners("data")[0] as Parse | undefined;
    // A Node that reads in another way parses by itself. Then `take` closes a connection that pipelines.
    if (this.#parse === undefined) return;
    socket.off("data", this.#parse).on("data", onData);
    options.readInto(socket, readBuffer, (size, buffer) => {
      if (HttpConnection.of(socket) !== this) return handToOwner(socket, size, buffer);
      this.#add((buffer as Buffer).subarray(0, size), true);
      return true;
    });
  }

  static of(socket: Socket): HttpConnection | undefined {
    return (socket as Kept)[kept];
  }

  /** True while an answer is incomplete. */
  get busy(): boolean {
    return this.answering !== undefined && !this.answering.writableFinished;
  }
  /** Lets go of the last request and its answer: an idle connection keeps none alive. A body may still come. */
  forget(): void {
    if (this.busy) return;
    if (this.answering?.req.complete === true) this.answering = undefined;
    this.keptAlive.idle = true;
  }

  /** A read of its own memory, by a `data` event. */
  received(bytes: Buffer): void {
    const isFree = this.#add(bytes, false);
    if (isFree && bytes.length > freedAbove) freeNow([bytes]);
  }
  /** Returns true if nobody keeps a part of these bytes. The next read overwrites `isShared` bytes. */
  #add(bytes: Buffer, isShared: boolean): boolean {
    if (this.#waiting.length > 0) {
      this.#wait(Buffer.concat([this.#waiting, bytes]));
      return true;
    }
    // A body of a known length is cheap.
    if (this.#hasTurn || this.#cutter.isInBody || this.#options.turns.take()) return this.#give(bytes, isShared);
    this.#hold(isShared ? Buffer.from(bytes) : bytes, pieceCost);
    return false;
  }
  /** Gives the parser what it may read now. */
  #give(bytes: Buffer, isShared: boolean): boolean {
    if (this.#hasTurn) {
      this.#hasTurn = false;
      this.#giveBack();
    }
    let isFree = true;
    let left = bytesATurn;
    let rest = bytes;
    while (rest.length > 0) {
      // The last answer has said that it is the last.
      if (!this.#socket.writable) return isFree;
      if (this.#socket.isPaused()) {
        this.#socket.unshift(isShared ? Buffer.from(rest) : rest);
        return false;
      }
      if (left <= 0) {
        this.#hold(isShared ? Buffer.from(rest) : rest);
        return false;
      }
      const isBody = this.answering?.req.complete === false;
      if (!isBody && this.busy) {
        this.#wait(rest);
        return isFree;
      }
      if (isBody) isFree = false;
      const isSized = this.#cutter.isInBody;
      const size = this.#cutter.next(rest);
      if (!isSized) left -= size + pieceBytes;
      const piece = size === rest.length ? rest : rest.subarray(0, size);
      rest = size === rest.length ? nothing : rest.subarray(size);
      this.#waiting = rest;
      this.#parsed += size;
      // The parser of Node 24 copies what it keeps of a body; the shared buffer is used on that Node alone.
      this.#parse?.call(this.#socket, piece);
      this.#waiting = nothing;
      if (HttpConnection.of(this.#socket) !== this) return false;
    }
    return isFree;
  }
  #hold(rest: Buffer, cost?: number): void {
    if (!this.#takePlace(rest, Number.POSITIVE_INFINITY, cost)) return;
    this.#socket.pause();
    this.#socket.unshift(rest);
    this.#hasTurn = true;
    this.#options.turns.wait(this.address, this.#letGo);
  }
  readonly #letGo = (): void => {
    // Node may have paused it meanwhile, for reasons of its own.
    if (this.#hasTurn) this.#socket.resume();
  };
  #wait(bytes: Buffer): void {
    const isNew = this.#waiting.length === 0;
    this.#giveBack();
    if (!this.#takePlace(bytes, waitingLimit)) return;
    // A copy: a part of a read keeps the whole read in memory.
    this.#waiting = Buffer.from(bytes);
    if (isNew) this.answering?.once("close", () => this.#options.turns.wait(this.address, this.#goOn));
  }
  /** False: there is no place for so many bytes, and the connection is closed. */
  #takePlace({ length }: Buffer, limit: number, cost?: number): boolean {
    this.#place = length > limit ? undefined : this.#options.pending.beginBody(this.address, length, cost);
    if (this.#place !== undefined) return true;
    this.#options.refuse(length > limit ? "pipelining" : "pending");
    this.#socket.destroy();
    return false;
  }
  #giveBack(): void {
    this.#place?.end();
    this.#place = undefined;
  }
  readonly #goOn = (): void => {
    const bytes = this.#waiting;
    this.#drop();
    this.#give(bytes, false);
  };

  /** Serves a request. False: the one before it is not answered yet. */
  take(request: IncomingMessage, response: ServerResponse, serve: Serve): boolean {
    if (this.busy) return false;
    const begunAt = this.#completeTo;
    this.#complete();
    const { headers } = request;
    const length = headers["content-length"];
    const hasBody = length !== undefined || headers["transfer-encoding"] !== undefined;
    this.#head = hasBody ? 0 : this.#completeTo - begunAt;
    if (hasBody) {
      this.#cutter.body(Number(length ?? 0));
      request.once("end", () => this.#complete());
    }
    this.answering = response;
    this.keptAlive.idle = false;
    serve(request, response);
    return true;
  }
  #complete(): void {
    this.#completeTo = this.#parsed;
  }

  /** Gives the socket up: it is no HTTP any more. Returns the bytes behind the last message. */
  release(behind: Buffer): Buffer {
    const bytes = Buffer.concat([behind, this.#waiting]);
    this.#socket.off("data", onData);
    this.keptAlive.end();
    delete (this.#socket as Kept)[kept];
    return bytes;
  }

  /** Bytes of unread answers, of an incomplete head and of a long one. Bodies are counted as they arrive. */
  heldBytes(): number {
    const unread = this.#socket.writableLength + this.#socket.readableLength;
    if (this.busy) return unread + memoryOf.request(this.#head);
    const head = this.#parsed - this.#completeTo;
    return head <= 0 ? unread : unread + memoryOf.partialHead(head);
  }
  destroy(): void {
    this.#socket.destroy();
  }
  /** The socket is closed: nothing waits on it any more. */
  closed(): void {
    this.#drop();
    this.keptAlive.end();
  }
  #drop(): void {
    this.#waiting = nothing;
    this.#giveBack();
  }
}

function onData(this: Socket, bytes: Buffer): void {
  HttpConnection.of(this)?.received(bytes);
}
