import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/** A batch that holds as much is written at once, bytes: it would count as data that its client does not read. */
const maxBatchBytes = 65_536;

/** The network sockets that hold a batch. */
const held = new Set<Socket>();

/**
 * Holds what this WebSocket writes until the running callback ends, and writes it in one piece. A flood of a room has
 * many messages for each member in one turn of the event loop (docs/decisions/write-batches.md). A WebSocket of `ws` that
 * does not show its network socket writes each message by itself.
 */
export function batchWrites(webSocket: WebSocket): void {
  const { _socket: socket } = webSocket as unknown as { _socket?: Socket | null };
  if (!socket) return;
  if (held.has(socket)) {
    if (socket.writableLength < maxBatchBytes) return;
    socket.uncork();
  } else {
    if (held.size === 0) process.nextTick(writeAll);
    held.add(socket);
  }
  socket.cork();
}

function writeAll(): void {
  for (const socket of held) socket.uncork();
  held.clear();
}
