import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { RequestHead } from "../screen/request-head.ts";
import type { ReadPlainUpgrade } from "../tuning/plain-upgrade.ts";
import { type Linked, LinkedSet } from "./linked-set.ts";
import { disown, nobody, own, type SocketOwner } from "./owned-socket.ts";

/** Interval of the check for silent connections while there are any, ms. */
const lookEveryMs = 500;

/** A connection without a byte yet. */
class Silent implements SocketOwner, Linked {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly socket: Socket;
  readonly since = performance.now();
  readonly #silents: LinkedSet<Silent>;
  readonly #spoke: (socket: Socket, chunk: Buffer) => void;

  constructor(socket: Socket, silents: LinkedSet<Silent>, spoke: (socket: Socket, chunk: Buffer) => void) {
    this.socket = socket;
    this.#silents = silents;
    this.#spoke = spoke;
    silents.add(this);
  }
  received(size: number, buffer: Uint8Array): boolean {
    this.#silents.delete(this);
    const read = buffer as Buffer;
    this.#spoke(this.socket, size === read.length ? read : read.subarray(0, size));
    return true;
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
  }
}

/**
 * Waits for the first bytes of every connection of `server`. A plain WebSocket upgrade goes to `upgrade`, which must
 * own the socket before it returns. Every other connection goes to the server, as if it had just arrived.
 */
export function awaitFirstBytes(
  server: Server,
  event: "connection" | "secureConnection",
  options: {
    timeoutMs: number;
    readPlainUpgrade: ReadPlainUpgrade;
    upgrade(request: RequestHead, socket: Socket): void;
    /** Called once the server has taken over any other connection, before it gets a byte. */
    other(socket: Socket): void;
    /** No byte arrived within `timeoutMs`. */
    timedOut(socket: Socket): void;
  },
) {
  const silents = new LinkedSet<Silent>();
  const [serve] = server.listeners(event) as [(this: Server, socket: Socket) => void];
  server.off(event, serve);
  let looking: NodeJS.Timeout | undefined;
  server.on(event, (socket: Socket) => {
    own(socket, new Silent(socket, silents, spoke));
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

  function spoke(socket: Socket, chunk: Buffer): void {
    const request = options.readPlainUpgrade(chunk, socket);
    if (request !== undefined) {
      options.upgrade(request, socket);
      return;
    }
    disown(socket);
    // Node removes its own error listener before it hands an upgrade over, so this one stays.
    socket.on("error", destroyIt);
    serve.call(server, socket);
    options.other(socket);
    socket.unshift(chunk);
    socket.resume();
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
