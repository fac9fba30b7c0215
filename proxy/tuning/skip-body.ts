import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { withLoopbackPair } from "./loopback-pair.ts";

/** Node's HTTP server keeps the parser of a connection here. Its callbacks have numbers for names. */
type Parsed = Socket & { parser?: Record<string, unknown> | null };

/** Stops the parser of this connection from making buffers of the rest of a body that nobody will read. */
export type SkipBody = (socket: Socket) => void;

/**
 * Takes the parser's callback for body chunks away; without it the parser skips them. Its `pause` does not stop it
 * within a read (tried with Node 24.21). Parsers are used again after their socket is closed, so the callback is back
 * then.
 */
export function skipBody(socket: Socket): void {
  const { parser } = socket as Parsed;
  if (parser === undefined || parser === null) return;
  const key = Object.keys(parser).find((name) => (parser[name] as { name?: unknown } | null)?.name === "parserOnBody");
  if (key === undefined) return;
  const onBody = parser[key];
  parser[key] = null;
  // Behind Node's own listener, which puts the parser among the unused ones.
  socket.once("close", () => {
    parser[key] = onBody;
  });
}

/**
 * Checks {@link skipBody} on a loopback connection: a thousand chunks come in one read, and no more than the first is
 * made a buffer of.
 *
 * @throws Error that says what went wrong
 */
export function checkSkipBody(): Promise<void> {
  return withLoopbackPair(async ({ accepted, peer, signal }) => {
    const server = createServer();
    let pieces = 0;
    const asked = once(server.once("request", count), "request", { signal });
    function count(request: IncomingMessage): void {
      request.push = () => {
        pieces += 1;
        skipBody(request.socket);
        return true;
      };
    }
    server.emit("connection", accepted);
    const head = "POST / HTTP/1.1\r\nHost: check\r\nTransfer-Encoding: chunked\r\n\r\n";
    peer.write(head + "1\r\nx\r\n".repeat(1_000));
    await asked;
    const closed = once(accepted, "close", { signal });
    peer.end();
    accepted.destroy();
    await closed;
    if (pieces !== 1) throw new Error(`${pieces} of 1,000 chunks were made buffers of`);
  });
}
