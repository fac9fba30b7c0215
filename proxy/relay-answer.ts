import type { Duplex } from "node:stream";
import { Transform } from "node:stream";
import type { Handshaken } from "./handshake.ts";
import { passOn } from "./tunnel.ts";

/** Longest time in which a refusal's body must be through, ms. */
const bodyMs = 10_000;

/** Passes the body of a replica's answer that is not a 101 on to the client, then closes both. */
export function relayAnswer({ head, socket, sink }: Handshaken, client: Duplex): void {
  let left = head.length ?? Number.POSITIVE_INFINITY;
  const done = () => {
    clearTimeout(timer);
    socket.destroy();
    client.end(() => client.destroy());
  };
  const timer = setTimeout(done, bodyMs);
  const body = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      next(null, part);
      if (left === 0) body.end();
    },
  });
  body.once("end", done).pipe(client, { end: false });
  client.once("close", done);
  body.on("drain", () => socket.resume());
  socket.once("error", done).once("end", () => body.end());
  if (head.rest.length > 0 || left === 0) body.write(head.rest);
  sink.take = (size, buffer) => passOn(body, size, buffer);
  socket.resume();
}
