import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import type { Holder, Ledger } from "../intake/ledger.ts";
import { batchWrites } from "./write-batch.ts";

/** Fewer waiting bytes than this are not entered on the ledger. */
const smallBytes = 4_096;
/** Property of a connection, and of its transport, with the count of their unread data. */
const unreadKey = Symbol("unread");

/** The used part of a transport. It reports when all data is passed to the system. */
interface Transport extends EventEmitter {
  readonly name: string;
  /** The answer to the poll that is open, with polling. */
  readonly res?: ServerResponse | null;
  /** With WebSocket. */
  readonly socket?: WebSocket;
  [unreadKey]?: Unread;
}
/**
 * What is used of an Engine.IO socket: it tells of each packet that it queues, and when it hands all to the transport.
 */
interface EngineSocket extends EventEmitter {
  readonly transport: Transport;
  close(discard?: boolean): unknown;
  [unreadKey]?: Unread;
}

/** Shared by all connections of a server. */
interface Rules {
  /** Maximum of unread bytes of one connection. */
  maxBytes: number;
  /** The unread bytes of all connections. */
  unread: Ledger;
}

/** The unread data of one client: in Engine.IO's buffer, and in the transport. */
class Unread implements Holder {
  readonly #socket: EngineSocket;
  readonly #rules: Rules;
  #waiting = 0;
  #underway = 0;
  #isClosed = false;
  /** It was given up. */
  isSlow = false;

  constructor(socket: EngineSocket, rules: Rules) {
    this.#socket = socket;
    this.#rules = rules;
  }
  queued(bytes: number): void {
    this.#waiting += bytes;
    if (this.#waiting > this.#rules.maxBytes) this.evict();
    else this.#enter();
  }
  /** All that waited is with the transport. */
  flushed(): void {
    const bytes = this.#waiting;
    this.#waiting = 0;
    this.#underway += bytes;
    const { name, res } = this.#socket.transport;
    if (name === "polling") res?.once("close", () => this.#written(bytes));
  }
  /** All is with the system. */
  drained(): void {
    this.#written(this.#underway);
  }
  close(): void {
    this.#isClosed = true;
    this.#rules.unread.enter(this, 0);
  }
  evict(): void {
    if (this.#isClosed) return;
    this.isSlow = true;
    this.close();
    this.#socket.close(true);
  }
  #written(bytes: number): void {
    this.#underway = Math.max(0, this.#underway - bytes);
    this.#enter();
  }
  #enter(): void {
    const bytes = this.#waiting + this.#underway;
    if (!this.#isClosed) this.#rules.unread.enter(this, bytes < smallBytes ? 0 : bytes);
  }
}

/**
 * Bounds the unread data of a slow client. Above `maxBytes`, or as the largest holder above the common bound, its
 * connection is closed and its data dropped. Engine.IO's own buffer has no bound.
 *
 * The listeners are shared: one for each connection would be most of what it keeps.
 */
export function boundBuffer(socket: EngineSocket, rules: Rules): void {
  socket[unreadKey] = new Unread(socket, rules);
  watch.call(socket, socket.transport);
  socket.on("upgrade", watch).on("flush", onFlush).on("packetCreate", onQueued).on("close", onClose);
}

/** True if the connection was closed because its client did not read. */
export const isSlowConsumer = (socket: EngineSocket): boolean => socket[unreadKey]?.isSlow === true;

/** A WebSocket says when all of its batch is with the system; a poll's answer does so itself. */
function watch(this: EngineSocket, transport: Transport): void {
  const { [unreadKey]: unread } = this;
  if (unread === undefined || transport.name === "polling") return;
  transport[unreadKey] = unread;
  transport.on("drain", onDrain);
}
function onDrain(this: Transport): void {
  this[unreadKey]?.drained();
}
function onFlush(this: EngineSocket, packets: readonly unknown[]): void {
  const { socket } = this.transport;
  if (socket !== undefined && packets.length > 1) batchWrites(socket);
  this[unreadKey]?.flushed();
}
function onQueued(this: EngineSocket, { data }: { data?: string | Buffer }): void {
  this[unreadKey]?.queued(data?.length ?? 0);
}
function onClose(this: EngineSocket): void {
  this[unreadKey]?.close();
}
