import type { Socket } from "node:net";
import { TryTimeout } from "../routing/try-errors.ts";
import { type AnswerHead, readAnswerHead } from "./answer-head.ts";
import { ask, nobody, type ReplicaOwner, Slot } from "./replica-socket.ts";

/** A replica's answer to an upgrade request, and its socket. */
export interface Handshaken {
  head: AnswerHead;
  socket: Socket;
  /** From now on `owner` is told what becomes of the socket; what is read goes to `owner.take`. */
  handTo(owner: ReplicaOwner): void;
}

/** Called once, one of them. */
export interface Shaking {
  /** The answer's head is complete. Returns whether to go on reading, for the new owner. Must not throw. */
  answered(shaken: Handshaken): boolean;
  failed(error: Error): void;
}

/**
 * Sends an upgrade request to a replica on a connection of its own and waits for the head of the answer, whatever
 * its status. Fails with the socket's error, or when `timeoutMs` have passed without a complete head: a replica that
 * accepts and says nothing must not hold a client.
 *
 * @returns gives up: `failed` is called with this error
 */
export function handshake(
  replica: { host: string; port: number },
  request: string,
  timeoutMs: number,
  shaking: Shaking,
): (error: Error) => void {
  const slot = new Slot();
  const asking = new Asking(ask(replica, request, slot), slot, timeoutMs, shaking);
  slot.owner = asking;
  return (error) => asking.failed(error);
}

class Asking implements ReplicaOwner {
  readonly #socket: Socket;
  readonly #slot: Slot;
  readonly #shaking: Shaking;
  readonly #timer: NodeJS.Timeout;
  #collected = "";
  #settled = false;

  constructor(socket: Socket, slot: Slot, timeoutMs: number, shaking: Shaking) {
    this.#socket = socket;
    this.#slot = slot;
    this.#shaking = shaking;
    this.#timer = setTimeout(
      () => this.failed(new TryTimeout(`no answer to the upgrade within ${timeoutMs} ms`)),
      timeoutMs,
    );
  }

  take(size: number, buffer: Uint8Array): boolean {
    this.#collected += (buffer as Buffer).toString("latin1", 0, size);
    const head = this.#read();
    if (head === undefined) return !this.#settled;
    this.#settle();
    return this.#shaking.answered({ head, socket: this.#socket, handTo: this.#slot.handTo });
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
    this.#slot.owner = nobody;
  }
}
