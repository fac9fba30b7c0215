import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { freeNow } from "../../common/http/free-buffers.ts";
import type { Linked } from "../listen/linked-set.ts";
import { own, readBuffer, type SocketOwner } from "../listen/owned-socket.ts";
import type { CarriedTunnel } from "../routing/replica-table.ts";
import type { ReadInto } from "../tuning/late-onread.ts";

/** Reads up to this size are passed on as latin1 strings: lossless, and written without a Buffer being made. */
const stringLimit = 4_096;
/** The memory of larger reads is given back as soon as they are written. V8 lets 50 MB of them pile up. */
const freedAbove = 16_384;
/** Idle time before TCP asks whether the other side is still there, ms. */
const tcpKeepAliveMs = 15_000;
/** Longest life of a tunnel of which one side has ended, ms. */
const halfClosedMs = 10_000;

export interface TunnelOptions {
  /** The tunnel owns both from now on. */
  client: Socket;
  replica: Socket;
  sid: string | undefined;
  /** The client's, canonical. */
  address: string;
  idleMs: number;
  /** Called once, when both sockets are gone. */
  onClosed(tunnel: Tunnel, reason: string): void;
}

/**
 * Hands one read of the shared buffer on to `to`. The bytes are copied out before this returns: `buffer` is
 * overwritten by the next read of any tunnel. Returns false when `to` has had enough for now.
 */
function passOn(to: Pick<Duplex, "write">, size: number, buffer: Uint8Array): boolean {
  if (size <= stringLimit) return to.write((buffer as Buffer).toString("latin1", 0, size), "latin1");
  const copy = Buffer.from(buffer.subarray(0, size));
  return size <= freedAbove ? to.write(copy) : to.write(copy, () => freeNow([copy]));
}

/** Takes the bytes of a client that is moved. They were not acknowledged, so the client sends them again elsewhere. */
const nowhere = { write: () => true };

/** One side of a tunnel: it passes its socket's bytes to the other side. */
class Side implements SocketOwner {
  readonly #tunnel: Tunnel;
  readonly #socket: Socket;
  readonly #other: Socket;
  readonly #name: "client" | "replica";
  #to: Pick<Socket, "write">;

  constructor(tunnel: Tunnel, socket: Socket, other: Socket, name: "client" | "replica") {
    this.#tunnel = tunnel;
    this.#socket = socket;
    this.#other = other;
    this.#to = other;
    this.#name = name;
  }
  /** What this side sends from now on is dropped. */
  dropInput(): void {
    this.#to = nowhere;
    this.#socket.resume();
  }
  received(size: number, buffer: Uint8Array): boolean {
    return passOn(this.#to, size, buffer);
  }
  drained(): void {
    this.#other.resume();
  }
  ended(): void {
    this.#tunnel.sideEnded(this.#other, `${this.#name}-closed`);
  }
  failed(): void {
    this.#tunnel.destroy(`${this.#name}-error`);
  }
  closed(): void {
    this.#tunnel.sideClosed(this.#other, this.#socket.errored !== null, `${this.#name}-closed`);
    // A paused socket would not see its end.
    if (!this.#other.destroyed) this.#other.resume();
  }
}

/**
 * Owns the two sockets of a relayed WebSocket as a pair: each side's end is passed on to the other, an error or close
 * of one destroys the other once what was sent to it is flushed, and neither is read faster than the other is written.
 *
 *     client ──passOn──▶ replica.write          full: stop reading the client until the replica drains
 *     client.write ◀──passOn── replica          full: stop reading the replica until the client drains
 *
 * The sockets count bytes themselves, and the sweep sees idleness: nothing is done per message here.
 */
export class Tunnel implements CarriedTunnel {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly sid: string | undefined;
  readonly address: string;
  readonly client: Socket;
  readonly replica: Socket;
  readonly #idleMs: number;
  readonly #onClosed: TunnelOptions["onClosed"];
  #reason: string | undefined;
  #open = 2;
  #seenBytes = 0;
  #seenAt = performance.now();
  #halfClosedAt: number | undefined;
  #keptAlive = false;
  readonly #clientSide: Side;

  constructor({ client, replica, sid, address, idleMs, onClosed }: TunnelOptions) {
    this.client = client;
    this.replica = replica;
    this.sid = sid;
    this.address = address;
    this.#idleMs = idleMs;
    this.#onClosed = onClosed;
    this.#clientSide = new Side(this, client, replica, "client");
    own(client, this.#clientSide);
    own(replica, new Side(this, replica, client, "replica"));
  }

  get closing(): boolean {
    return this.#reason !== undefined;
  }

  bytes(): { in: number; out: number } {
    return { in: this.client.bytesRead, out: this.client.bytesWritten };
  }

  heldBytes(): number {
    return this.client.writableLength + this.replica.writableLength;
  }

  destroy(why: string): void {
    this.#reason ??= why;
    this.client.destroy();
    this.replica.destroy();
  }

  move(why: string): void {
    if (this.#reason !== undefined) return;
    this.#clientSide.dropInput();
    this.sideEnded(this.replica, why);
  }

  sweep(nowMs: number): void {
    if (!this.#keptAlive) this.#keepAlive();
    const sum = this.client.bytesRead + this.client.bytesWritten;
    if (sum !== this.#seenBytes) {
      this.#seenBytes = sum;
      this.#seenAt = nowMs;
    }
    if (this.#halfClosedAt !== undefined && nowMs - this.#halfClosedAt > halfClosedMs)
      this.destroy(this.#reason ?? "half-closed");
    else if (nowMs - this.#seenAt > this.#idleMs) this.destroy("idle");
  }

  /** The first sweep does this. A short tunnel is spared its eight system calls. */
  #keepAlive(): void {
    this.#keptAlive = true;
    this.client.setKeepAlive(true, tcpKeepAliveMs);
    this.replica.setKeepAlive(true, tcpKeepAliveMs);
  }

  /** The client has ended already: the replica is told. */
  endClient(): void {
    this.#clientSide.ended();
  }
  /** From now on the client's socket reads into the shared buffer, if it can. */
  readClient(readInto: ReadInto): void {
    const side = this.#clientSide;
    readInto(this.client, readBuffer, (size, buffer) => side.received(size, buffer));
  }

  /** One side has ended. The other gets the end after the remaining bytes. */
  sideEnded(other: Duplex, why: string): void {
    this.#reason ??= why;
    this.#halfClosedAt ??= performance.now();
    // Ending a destroyed socket is an error.
    if (!other.destroyed) other.end();
  }
  /** One side is closed: so is the other, once it has got the rest, or at once after a failure. */
  sideClosed(other: Duplex, failed: boolean, why: string): void {
    this.#reason ??= why;
    if (failed) other.destroy();
    else if (!other.writableEnded) this.sideEnded(other, why);
    this.#open -= 1;
    if (this.#open === 0) this.#onClosed(this, this.#reason);
  }
}
