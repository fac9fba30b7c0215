import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/**
 * Limits for a body: number of pieces, and their average size. A real client never exceeds the first while below the
 * second.
 */
const crumbs = { pieces: 512, bytes: 16 };

/** Node's HTTP server keeps the parser of a connection here. Its callbacks have numbers for names. */
type Parsed = Socket & { parser?: Record<string, unknown> | null };

/**
 * Cuts a request whose chunked body comes in crumbs. One read can hold ten thousand chunks of one byte. Node makes a
 * buffer of each, forty times its size, and a proxy writes each by itself. So chunks are counted while they are parsed.
 */
export function cutCrumbs(request: IncomingMessage): void {
  if (request.headers["transfer-encoding"] === undefined) return;
  const { push } = request;
  let [pieces, size] = [0, 0];
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (request.destroyed) return false;
    pieces += 1;
    size += chunk?.length ?? 0;
    if (pieces <= crumbs.pieces || size >= pieces * crumbs.bytes) return push.call(request, chunk, encoding);
    skipBodies(request.socket);
    request.destroy();
    return false;
  };
}

/**
 * The parser makes no buffers of the chunks that are left of this read: without this callback it skips them. Its `pause`
 * does not stop it within a read (tried with Node 24.21). Parsers are used again after their socket is closed, so the
 * callback is back then. A Node that names it otherwise makes the buffers.
 */
function skipBodies(socket: Parsed): void {
  const { parser } = socket;
  if (parser === undefined || parser === null) return;
  const key = Object.keys(parser).find((key) => (parser[key] as { name?: unknown } | null)?.name === "parserOnBody");
  if (key === undefined) return;
  const onBody = parser[key];
  parser[key] = null;
  // Behind Node's own listener, which puts the parser among the unused ones.
  socket.once("close", () => {
    parser[key] = onBody;
  });
}
