import type { Socket } from "node:net";
import { connectOwned, nobody, own, type SocketOwner } from "../listen/owned-socket.ts";
import { TryTimeout } from "../routing/attempts.ts";
import { type AnswerHead, readAnswerHead } from "./answer-head.ts";

/** A replica's answer to an upgrade request, and its socket, which needs an owner now. */
export interface Handshaken {
  head: AnswerHead;
  socket: Socket;
}

export interface Shaking {
  /** The connection to the replica is there. */
  connected(): void;
  /** The answer's head is complete. Returns whether to go on reading, for the new owner. Must not throw. */
  answered(shaken: Handshaken): boolean;
  /** Called once, this or `answered`. */
  failed(error: Error): void;
}

/**
 * Sends an upgrade request to a replica on a connection of its own and waits for the head of the answer, whatever its
 * status. Fails with the socket's error, or when `timeoutMs` have passed without a complete head: a replica that accepts
 * and says nothing must not hold a client. Its own `failed` gives up, and passes the error on.
 */
export class Handshake implements SocketOwner {
  readonly #socket: Socket;
  readonly #shaking: Shaking;
  readonly #timer: NodeJS.Timeout;
  #request: string;
  #collected = "";
  #settled = false;

  constructor(replica: { host: string; port: number }, request: string, timeoutMs: number, shaking: Shaking) {
    this.#shaking = shaking;
    this.#request = request;
    this.#timer = setTimeout(giveUp, timeoutMs, this, timeoutMs);
    this.#socket = connectOwned(replica, this);
  }

  /** A write before this would cost Node more listeners. */
  connected(): void {
    this.#socket.write(this.#request, "latin1");
    this.#request = "";
    this.#shaking.connected();
  }
  received(size: number, buffer: Uint8Array): boolean {
    this.#collected += (buffer as Buffer).toString("latin1", 0, size);
    const head = this.#read();
    if (head === undefined) return !this.#settled;
    this.#settle();
    return this.#shaking.answered({ head, socket: this.#socket });
  }
  #read(): AnswerHead | undefined {
    try {
      return readAnswerHead(this.#collected);
    } catch (error) {
      this.failed(error as Error);
      return undefined;
    }
  }
  drained(): void {
    // The request is all that is written.
  }
  ended(): void {
    this.failed(new Error("the replica closed the connection before it answered"));
  }
  closed(): void {
    this.ended();
  }
  failed(error: Error): void {
    this.#socket.destroy();
    if (this.#settled) return;
    this.#settle();
    this.#shaking.failed(error);
  }
  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    own(this.#socket, nobody);
  }
}

function giveUp(handshake: Handshake, timeoutMs: number): void {
  handshake.failed(new TryTimeout(`no answer to the upgrade within ${timeoutMs} ms`));
}
