import type { Duplex } from "node:stream";
import { nobody, own } from "../listen/owned-socket.ts";
import { announcedLength } from "./answer-head.ts";
import type { Handshaken } from "./handshake.ts";

/** Longest time in which a refusal's body must be through, ms. */
const bodyMs = 10_000;

/**
 * Passes the body of a replica's answer that is not a 101 on to the client, as much of it as was announced, then
 * closes both. Returns whether to go on reading.
 */
export function relayAnswer({ head, socket }: Handshaken, client: Duplex): boolean {
  let left = announcedLength(head);
  const timer = setTimeout(done, bodyMs);
  const received = (size: number, buffer: Uint8Array) => pass(Buffer.from(buffer.subarray(0, size)));
  own(client, { ...nobody, drained: () => socket.resume(), closed: done });
  own(socket, { received, drained: () => undefined, ended: done, failed: done, closed: done });
  return pass(Buffer.from(head.rest, "latin1"));

  /** False: no more for now, or no more at all. */
  function pass(chunk: Buffer): boolean {
    const part = chunk.subarray(0, left);
    left -= part.length;
    const roomLeft = part.length === 0 || client.write(part);
    if (left === 0) done();
    return roomLeft && left > 0;
  }
  function done(): void {
    clearTimeout(timer);
    socket.destroy();
    if (!client.writableEnded) client.end(() => client.destroy());
  }
}
