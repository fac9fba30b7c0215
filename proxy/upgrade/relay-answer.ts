import type { Duplex } from "node:stream";
import { nobody, own } from "../listen/owned-socket.ts";
import { bodyFraming } from "./answer-head.ts";
import { ChunkedBody } from "./chunked-body.ts";
import type { Handshaken } from "./handshake.ts";

/** A refusal's body must be through within this, ms. */
const bodyMs = 10_000;

/**
 * Passes the body of a replica's answer that is not a 101 on to the client, up to its end, then closes both: a chunked
 * one decoded, since the closing ends it. Returns whether to go on reading.
 */
export function relayAnswer({ head, socket }: Handshaken, client: Duplex): boolean {
  const { chunked, length } = bodyFraming(head);
  const chunks = chunked ? new ChunkedBody() : undefined;
  let left = length;
  const timer = setTimeout(done, bodyMs);
  const received = (size: number, buffer: Uint8Array) => pass(Buffer.from(buffer.subarray(0, size)));
  own(client, { ...nobody, drained: () => socket.resume(), closed: done });
  own(socket, { received, drained: () => undefined, ended: done, failed: done, closed: done });
  return pass(Buffer.from(head.rest, "latin1"));

  /** False: no more for now, or no more at all. */
  function pass(piece: Buffer): boolean {
    let roomLeft = true;
    for (const part of decoded(piece)) if (part.length > 0) roomLeft = client.write(part);
    const over = client.destroyed || (chunks === undefined ? left === 0 : chunks.done);
    if (over) done();
    return roomLeft && !over;
  }
  function decoded(piece: Buffer): readonly Buffer[] {
    if (chunks === undefined) {
      const part = piece.subarray(0, left);
      left -= part.length;
      return [part];
    }
    try {
      return chunks.read(piece);
    } catch {
      // The head is with the client already: a reset is the only way to say that this is not all.
      client.destroy();
      return [];
    }
  }
  function done(): void {
    clearTimeout(timer);
    socket.destroy();
    if (!client.writableEnded && !client.destroyed) client.end(() => client.destroy());
  }
}
