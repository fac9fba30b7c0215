import type { IncomingMessage } from "node:http";

/**
 * Limits for a body: number of pieces, and their average size. A real client never exceeds the first while below the
 * second.
 */
const crumbs = { pieces: 512, bytes: 16 };

/**
 * Cuts a request whose chunked body comes in crumbs. A body can consist of chunks of one byte. Node makes a buffer of
 * each, forty times its size, and a proxy writes each by itself. So chunks are counted while they are parsed.
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
