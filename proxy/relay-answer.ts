import type { Duplex } from "node:stream";
import type { Handshaken } from "./handshake.ts";

/** Longest time in which a refusal's body must be through, ms. */
const bodyMs = 10_000;

/**
 * Passes the body of a replica's answer that is not a 101 on to the client, as much of it as was announced, then
 * closes both.
 */
export function relayAnswer({ head, socket, sink }: Handshaken, client: Duplex): void {
  let left = head.length ?? Number.POSITIVE_INFINITY;
  const timer = setTimeout(done, bodyMs);
  client.once("close", done).on("drain", () => socket.resume());
  socket.once("error", done).once("end", done);
  sink.take = (size, buffer) => pass(Buffer.from(buffer.subarray(0, size)));
  if (pass(head.rest)) socket.resume();

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
