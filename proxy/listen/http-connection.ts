import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Linked } from "./linked-set.ts";
import type { Holder } from "./pending-bytes.ts";

/** Requests that may wait on one connection while an earlier one is answered. */
const waitingLimit = 64;
/** Memory of a parser with an unfinished head, besides its bytes. */
const parserBytes = 4_096;

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
  #waiting = 0;
  /** Bytes received up to the end of the last complete message. */
  #completeTo = 0;

  /** @param address of the client whose limits it counts for; undefined: it comes from a trusted proxy */
  constructor(socket: Socket, address: string | undefined) {
    this.#socket = socket;
    this.address = address;
    (socket as Kept)[kept] = this;
  }

  static of(socket: Socket): HttpConnection | undefined {
    return (socket as Kept)[kept];
  }

  /** True while an answer is incomplete. */
  get busy(): boolean {
    return this.#newest !== undefined && !this.#newest.writableFinished;
  }

  /** Serves a request once the ones before it are answered. False: too many wait already. */
  take(request: IncomingMessage, response: ServerResponse, serve: Serve): boolean {
    const [before, waits] = [this.#newest, this.busy];
    if (waits && this.#waiting === waitingLimit) return false;
    this.#newest = response;
    this.#complete();
    const { headers } = request;
    if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined)
      request.once("end", () => this.#complete());
    if (!waits) this.#serve(request, response, serve);
    else {
      this.#waiting += 1;
      before?.once("close", () => {
        this.#waiting -= 1;
        if (!this.#socket.destroyed) this.#serve(request, response, serve);
      });
    }
    return true;
  }
  #serve(request: IncomingMessage, response: ServerResponse, serve: Serve): void {
    this.answering = response;
    serve(request, response);
  }
  #complete(): void {
    this.#completeTo = this.#socket.bytesRead;
  }

  /** Bytes of unread answers and of an incomplete head. Bodies are counted as they arrive. */
  heldBytes(): number {
    const unread = this.#socket.writableLength;
    if (this.busy) return unread;
    const head = this.#socket.bytesRead - this.#completeTo;
    return head <= 0 ? unread : unread + head + parserBytes;
  }
  destroy(): void {
    this.#socket.destroy();
  }
}
