/** First bytes of everything on the backplane: what lacks them is not ours and is dropped. */
const magic = 0x484c; // "HL"
const headerBytes = 8;

/** What was longer on its way is stale and is dropped, ms. */
export const maxTransitMs = 1_000;

/** Puts the time of sending (epoch ms) in front of a payload: two bytes of magic, six of milliseconds. */
export function stamp(payload: Buffer | string, now: number): Buffer {
  const body = typeof payload === "string" ? Buffer.from(payload) : payload;
  const message = Buffer.allocUnsafe(headerBytes + body.length);
  message.writeUInt16BE(magic, 0);
  message.writeUIntBE(now, 2, 6);
  body.copy(message, headerBytes);
  return message;
}

export type Opened =
  | { ok: true; payload: Buffer; transitMs: number }
  | { ok: false; reason: "foreign" | "stale"; transitMs: number };

/**
 * Reads an envelope. Clocks of different hosts must agree to well under {@link maxTransitMs} (NTP); a message from the
 * future counts as just sent.
 */
export function open(message: Buffer, now: number): Opened {
  if (message.length < headerBytes || message.readUInt16BE(0) !== magic)
    return { ok: false, reason: "foreign", transitMs: 0 };
  const transitMs = Math.max(0, now - message.readUIntBE(2, 6));
  if (transitMs > maxTransitMs) return { ok: false, reason: "stale", transitMs };
  return { ok: true, payload: message.subarray(headerBytes), transitMs };
}
