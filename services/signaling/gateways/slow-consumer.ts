import type { EventEmitter } from "node:events";

/** What is used of an Engine.IO socket: it tells of each packet that it queues, and when it hands all to the transport. */
interface EngineSocket extends EventEmitter {
  close(discard?: boolean): unknown;
}

/**
 * Bounds what waits for a client that reads more slowly than it is sent to: above `maxBytes` its connection is given
 * up, with all that waited. Engine.IO's own buffer has no bound.
 */
export function boundBuffer(socket: EngineSocket, maxBytes: number, onSlow: () => void): void {
  let waiting = 0;
  socket.on("flush", () => {
    waiting = 0;
  });
  socket.on("packetCreate", ({ data }: { data?: string | Buffer }) => {
    waiting += data?.length ?? 0;
    if (waiting <= maxBytes) return;
    waiting = Number.NEGATIVE_INFINITY;
    onSlow();
    socket.close(true);
  });
}
