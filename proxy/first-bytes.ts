import type { Server } from "node:http";
import type { Socket } from "node:net";
import { type Linked, LinkedSet } from "./linked-set.ts";
import { readPlainUpgrade } from "./plain-upgrade.ts";
import type { RequestHead } from "./request-head.ts";

/** How often silent connections are looked at, ms. */
const lookEveryMs = 500;
/** Where a connection keeps that nothing has come on it yet. */
const silence = Symbol("silence");
type FreshSocket = Socket & { [silence]?: Silent | undefined };

/** A connection on which nothing has come yet. */
class Silent implements Linked {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly socket: FreshSocket;
  readonly since = performance.now();

  constructor(socket: FreshSocket) {
    this.socket = socket;
  }
}

/**
 * Waits for the first bytes of every connection of `server`. A plain WebSocket upgrade goes to `upgrade`, paused;
 * everything else to the server, as if it had just come.
 */
export function awaitFirstBytes(
  server: Server,
  event: "connection" | "secureConnection",
  options: {
    timeoutMs: number;
    upgrade(request: RequestHead, socket: Socket): void;
    /** Nothing came in `timeoutMs`. */
    timedOut(socket: Socket): void;
  },
) {
  const silents = new LinkedSet<Silent>();
  const [serve] = server.listeners(event) as [(this: Server, socket: Socket) => void];
  server.off(event, serve);
  server.on(event, (socket: FreshSocket) => {
    const silent = new Silent(socket);
    socket[silence] = silent;
    silents.add(silent);
    socket.on("data", onData).on("end", onEnd).on("close", onClose);
  });
  const looking = setInterval(() => {
    const latest = performance.now() - options.timeoutMs;
    for (const { socket, since } of silents) {
      if (since > latest) continue;
      release(socket);
      options.timedOut(socket);
    }
  }, lookEveryMs).unref();

  function release(socket: FreshSocket): void {
    if (socket[silence] !== undefined) silents.delete(socket[silence]);
    socket[silence] = undefined;
    socket.off("data", onData).off("end", onEnd).off("close", onClose).pause();
  }
  function onData(this: FreshSocket, chunk: Buffer): void {
    release(this);
    const request = readPlainUpgrade(chunk, this);
    if (request !== undefined) {
      options.upgrade(request, this);
      return;
    }
    serve.call(server, this);
    this.unshift(chunk);
    this.resume();
  }
  function onEnd(this: FreshSocket): void {
    this.destroy();
  }
  function onClose(this: FreshSocket): void {
    release(this);
  }

  return {
    /** Destroys the connections that are still silent. */
    close(): void {
      clearInterval(looking);
      for (const { socket } of silents) socket.destroy();
    },
  };
}
