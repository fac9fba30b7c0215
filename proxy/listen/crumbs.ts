import type { IncomingMessage } from "node:http";

/** A body of more pieces than this, smaller than this on average, is none that a client has reason to send. */
const crumbs = { pieces: 512, bytes: 16 };

/**
 * Cuts a request whose chunked body comes in crumbs. One read holds ten thousand chunks of a byte; Node makes a buffer
 * of each, forty times its size, and a proxy writes each by itself. So they are counted as they are parsed, before
 * anybody has asked for them.
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
    request.destroy();
    return false;
  };
}
