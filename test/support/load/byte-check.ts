import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";

/** Reads `total` bytes slowly, with pauses, and returns their SHA-1. */
export async function readSlowly(socket: Socket, total: number): Promise<string> {
  const digest = createHash("sha1");
  socket.pause();
  for (let size = 0; size < total; ) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) throw new Error(`ended after ${size} of ${total} bytes`);
      await once(socket, "readable");
      continue;
    }
    size += chunk.length;
    digest.update(chunk);
    if (Math.random() < 0.02) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return digest.digest("hex");
}

/** Writes `total` random bytes in uneven pieces, honouring back-pressure, and returns their SHA-1. */
export async function writeUnevenly(socket: Socket, total: number): Promise<string> {
  const digest = createHash("sha1");
  const pattern = randomBytes(200_003);
  for (let sent = 0; sent < total; ) {
    const size = Math.min(total - sent, Math.random() < 0.5 ? 1 + Math.floor(Math.random() * 6_000) : 150_000);
    const at = Math.floor(Math.random() * (pattern.length - size));
    const piece = pattern.subarray(at, at + size);
    digest.update(piece);
    sent += piece.length;
    if (!socket.write(piece)) await once(socket, "drain");
  }
  return digest.digest("hex");
}
