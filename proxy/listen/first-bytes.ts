import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Turns } from "../fairness/turns.ts";
import { type Linked, LinkedSet } from "./linked-set.ts";
import { nobody, own, type SocketOwner } from "./owned-socket.ts";
import { type PendingBody, type PendingBytes, pieceCost } from "./pending-bytes.ts";

/** Interval of the check for silent connections while there are any, ms. */
const lookEveryMs = 500;

/** A connection without a byte yet, or one whose first bytes wait for their turn. */
class Silent implements SocketOwner, Linked {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly socket: Socket;
  readonly since = performance.now();
  readonly #silents: LinkedSet<Silent>;
  readonly #arrived: (silent: Silent, chunk: Buffer) => boolean;
  /** A place in the client's budget for bytes that wait. */
  place: PendingBody | undefined;

  constructor(socket: Socket, silents: LinkedSet<Silent>, arrived: (silent: Silent, chunk: Buffer) => boolean) {
    this.socket = socket;
    this.#silents = silents;
    this.#arrived = arrived;
    silents.add(this);
  }
  received(size: number, buffer: Uint8Array): boolean {
    this.#silents.delete(this);
    const read = buffer as Buffer;
    return this.#arrived(this, size === read.length ? read : read.subarray(0, size));
  }
  drained(): void {
    // Nothing was written.
  }
  ended(): void {
    this.socket.destroy();
  }
  failed(): void {
    // `closed` follows.
  }
  closed(): void {
    this.#silents.delete(this);
    this.place?.end();
  }
}

/**
 * Waits for the first bytes of every connection of `server`, and then for a turn. `spoke` decides what becomes of the
 * connection.
 */
export function awaitFirstBytes(
  server: Server,
  event: "connection" | "secureConnection",
  options: {
    timeoutMs: number;
    turns: Turns;
    pending: PendingBytes;
    /** The client for whose limits a connection counts; undefined: it comes from a trusted proxy. */
    addressOf(socket: Socket): string | undefined;
    /**
     * Owns the socket, or disowns it and lets the server serve it as if it had just arrived.
     *
     * @returns whether the socket has an owner
     */
    spoke(socket: Socket, chunk: Buffer, serve: (socket: Socket) => void): boolean;
    /** No byte arrived within `timeoutMs`. */
    timedOut(socket: Socket): void;
    /** Called before a connection is closed because too much of its client waits. */
    refuse(): void;
  },
) {
  const silents = new LinkedSet<Silent>();
  const [listener] = server.listeners(event) as [(this: Server, socket: Socket) => void];
  server.off(event, listener);
  const serve = listener.bind(server);
  let looking: NodeJS.Timeout | undefined;
  server.on(event, (socket: Socket) => {
    own(socket, new Silent(socket, silents, arrived));
    looking ??= setTimeout(look, lookEveryMs).unref();
  });
  function look(): void {
    const latest = performance.now() - options.timeoutMs;
    for (const silent of silents) {
      if (silent.since > latest) continue;
      silents.delete(silent);
      own(silent.socket, nobody);
      options.timedOut(silent.socket);
    }
    looking = silents.size === 0 ? undefined : setTimeout(look, lookEveryMs).unref();
  }

  /** Returns false if the bytes wait for their turn: then no more is read. */
  function arrived(silent: Silent, chunk: Buffer): boolean {
    const { socket } = silent;
    if (options.turns.take()) {
      options.spoke(socket, chunk, serve);
      return true;
    }
    const address = options.addressOf(socket);
    silent.place = options.pending.beginBody(address, chunk.length, pieceCost);
    if (silent.place === undefined) {
      options.refuse();
      socket.destroy();
      return true;
    }
    options.turns.wait(address, () => {
      silent.place?.end();
      if (!socket.destroyed && options.spoke(socket, chunk, serve)) socket.resume();
    });
    return false;
  }

  return {
    /** Destroys the connections that are still silent. */
    close(): void {
      clearTimeout(looking);
      for (const { socket } of silents) socket.destroy();
    },
  };
}

/** A listener for the errors of a socket that has no owner. */
export function destroyIt(this: Socket): void {
  this.destroy();
}
