import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Linked } from "./linked-set.ts";
import type { Holder, PendingBody, PendingBytes } from "./pending-bytes.ts";

/** Requests that may wait on one connection while an earlier one is answered. */
const waitingLimit = 64;
/** Memory of a parser with an unfinished head, and for each byte of a head: each of its names and values is a string. */
const parserBytes = 4_096;
const memoryAByte = 8;
/** Memory of a line of a complete head. */
const lineBytes = 128;
/** The head of a request under way counts beyond this, bytes: many clients behind one address have large cookies. */
const usualHeadBytes = 4_096;

const kept = Symbol("connection");
type Kept = Socket & { [kept]?: HttpConnection };

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * A connection that Node's HTTP server serves. Node hands every request over as soon as its head is complete. A client
 * that pipelines thousands (RFC 9112, 9.3.2) would have thousands under way at the replicas. Here one request is under
 * way at a time; the next ones wait.
 */
export class HttpConnection implements Linked, Holder {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly address: string | undefined;
  readonly #socket: Socket;
  /** The current answer, or the last one. */
  answering: ServerResponse | undefined;
  #newest: ServerResponse | undefined;
  readonly #pending: PendingBytes;
  /** A place in the client's budget for each waiting request. No array of its own while nothing waits. */
  #waiting: PendingBody[] | undefined;
  /** Bytes of the last head; 0 if a body follows, which is counted by itself. */
  #head = 0;
  /** Bytes received up to the end of the last complete message. */
  #completeTo = 0;

  /** @param address of the client whose limits it counts for; undefined: it comes from a trusted proxy */
  constructor(socket: Socket, address: string | undefined, pending: PendingBytes) {
    this.#socket = socket;
    this.address = address;
    this.#pending = pending;
    (socket as Kept)[kept] = this;
  }

  static of(socket: Socket): HttpConnection | undefined {
    return (socket as Kept)[kept];
  }

  /** True while an answer is incomplete. */
  get busy(): boolean {
    return this.#newest !== undefined && !this.#newest.writableFinished;
  }

  /** Serves a request once the ones before it are answered. False: too many wait already, here or for this client. */
  take(request: IncomingMessage, response: ServerResponse, serve: Serve): boolean {
    const [before, waits] = [this.#newest, this.busy];
    if (waits && !this.#mayWait(request)) return false;
    this.#newest = response;
    const begunAt = this.#completeTo;
    this.#complete();
    const { headers } = request;
    const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
    this.#head = hasBody ? 0 : this.#completeTo - begunAt;
    if (hasBody) request.once("end", () => this.#complete());
    if (!waits) this.#serve(request, response, serve);
    else {
      before?.once("close", () => {
        this.#waiting?.shift()?.end();
        if (!this.#socket.destroyed) this.#serve(request, response, serve);
      });
    }
    return true;
  }
  #mayWait({ rawHeaders }: IncomingMessage): boolean {
    this.#waiting ??= [];
    if (this.#waiting.length === waitingLimit) return false;
    const place = this.#pending.beginBody(this.address, (rawHeaders.length / 2) * lineBytes);
    if (place !== undefined) this.#waiting.push(place);
    return place !== undefined;
  }
  #serve(request: IncomingMessage, response: ServerResponse, serve: Serve): void {
    this.answering = response;
    serve(request, response);
  }
  #complete(): void {
    this.#completeTo = this.#socket.bytesRead;
  }

  /** Bytes of unread answers, of an incomplete head and of a long one. Bodies are counted as they arrive. */
  heldBytes(): number {
    const unread = this.#socket.writableLength;
    if (this.busy) return unread + 2 * Math.max(0, this.#head - usualHeadBytes);
    const head = this.#socket.bytesRead - this.#completeTo;
    return head <= 0 ? unread : unread + memoryAByte * head + parserBytes;
  }
  destroy(): void {
    this.#socket.destroy();
  }
  /** The socket is closed: nothing waits on it any more. */
  closed(): void {
    for (const place of this.#waiting ?? []) place.end();
    this.#waiting = undefined;
  }
}
