import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import type { Ledger } from "../intake/ledger.ts";

/** Fewer waiting bytes than this do not go on the ledger. */
const smallBytes = 4_096;

/** What is used of a transport: it says when all is with the system. */
interface Transport {
  readonly name: string;
  /** The answer to the poll that is open, with polling. */
  readonly res?: ServerResponse | null;
  on(event: "drain", listener: () => void): unknown;
}
/**
 * What is used of an Engine.IO socket: it tells of each packet that it queues, and when it hands all to the transport.
 */
interface EngineSocket extends EventEmitter {
  readonly transport: Transport;
  close(discard?: boolean): unknown;
}

/**
 * Bounds what waits for a client that reads more slowly than it is sent to: above `maxBytes`, or where it is the most
 * of what all have not read, its connection is given up, with all that waited. Engine.IO's own buffer has no bound.
 */
export function boundBuffer(socket: EngineSocket, maxBytes: number, unread: Ledger, onSlow: () => void): void {
  /** In Engine.IO's buffer, and with the transport. */
  let waiting = 0;
  let underway = 0;
  let isGivenUp = false;
  const account = unread.open(giveUp);

  function giveUp(): void {
    if (isGivenUp) return;
    isGivenUp = true;
    account.close();
    onSlow();
    socket.close(true);
  }
  function enter(): void {
    const bytes = waiting + underway;
    account.set(bytes < smallBytes ? 0 : bytes);
  }
  function written(bytes: number): void {
    underway = Math.max(0, underway - bytes);
    enter();
  }
  function watch(transport: Transport): void {
    // A WebSocket says when all of its batch is with the system; a poll's answer does so itself.
    if (transport.name !== "polling") transport.on("drain", () => written(underway));
  }

  watch(socket.transport);
  socket.on("upgrade", watch);
  socket.on("flush", () => {
    const bytes = waiting;
    waiting = 0;
    underway += bytes;
    const { name, res } = socket.transport;
    if (name === "polling") res?.once("close", () => written(bytes));
  });
  socket.on("packetCreate", ({ data }: { data?: string | Buffer }) => {
    waiting += data?.length ?? 0;
    if (waiting > maxBytes) giveUp();
    else enter();
  });
  socket.on("close", () => account.close());
}
