import { hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { createMac } from "./mac.ts";
import { createReplayGuard } from "./replay-window.ts";

/** First bytes of every replica's message. A message without them is dropped. */
const magic = 0x484d; // "HM"
/** Magic, epoch ms, run of the sender's process, its sequence number, length of the channel's name. */
const headerBytes = 2 + 6 + 8 + 6 + 2;
/** HMAC-SHA256, truncated as RFC 2104 section 5 allows. */
const macBytes = 16;

/** A message with a longer transit is stale and dropped, ms. */
export const maxTransitMs = 1_000;

/** The key without a secret. The replica logs that once. */
const developmentSecret = "hold-the-line-development";

/**
 * The key that authenticates replicas: from `BACKPLANE_SECRET`, else from `RESUME_SECRET`, else a public development
 * key. HKDF (RFC 5869), so that no other use of a secret shares its key.
 */
export function backplaneKey(secrets: {
  BACKPLANE_SECRET?: string | undefined;
  RESUME_SECRET?: string | undefined;
}): Buffer {
  const secret = secrets.BACKPLANE_SECRET ?? secrets.RESUME_SECRET ?? developmentSecret;
  return Buffer.from(hkdfSync("sha256", secret, "", "hold-the-line backplane", 32));
}

/** Why a message is not delivered: `forged` has no valid MAC, `replayed` was delivered before. */
export type Rejection = "foreign" | "forged" | "stale" | "replayed";
export type Opened =
  | { ok: true; payload: Buffer; transitMs: number }
  | { ok: false; reason: Rejection; transitMs: number };

/**
 * Envelopes of all messages between replicas. Each proves that a replica with the same key sent it, on this channel,
 * within the last second, and it opens once in each process. Another client of Redis cannot forge or repeat a replica's
 * message.
 *
 * `header | payload | MAC over both and the name of the channel`.
 */
export function createEnvelope(key: Buffer) {
  const macOf = createMac(key);
  const run = randomBytes(8);
  let sequence = 0;
  const replays = createReplayGuard(maxTransitMs);

  return {
    /** Puts `payload` into an envelope for `channel`; `now` is the time of sending, epoch ms. */
    seal(channel: string, payload: Buffer | string, now: number): Buffer {
      const bodyBytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
      const message = Buffer.allocUnsafe(headerBytes + bodyBytes + macBytes);
      message.writeUInt16BE(magic, 0);
      message.writeUIntBE(now, 2, 6);
      run.copy(message, 8);
      message.writeUIntBE(++sequence, 16, 6);
      message.writeUInt16BE(Buffer.byteLength(channel), 22);
      if (typeof payload === "string") message.write(payload, headerBytes);
      else payload.copy(message, headerBytes);
      const signed = message.subarray(0, headerBytes + bodyBytes);
      macOf(signed, channel).copy(message, signed.length, 0, macBytes);
      return message;
    },
    /**
     * Opens a message received on `channel`, once. Clocks of different hosts must agree to well under {@link
     * maxTransitMs} (NTP); a message from the future counts as just sent.
     */
    open(channel: Buffer, message: Buffer, now: number): Opened {
      if (message.length < headerBytes + macBytes || message.readUInt16BE(0) !== magic)
        return { ok: false, reason: "foreign", transitMs: 0 };
      const signed = message.subarray(0, message.length - macBytes);
      const mac = macOf(signed, channel).subarray(0, macBytes);
      if (!timingSafeEqual(mac, message.subarray(signed.length)) || message.readUInt16BE(22) !== channel.length)
        return { ok: false, reason: "forged", transitMs: 0 };
      const sentAt = message.readUIntBE(2, 6);
      const transitMs = Math.max(0, now - sentAt);
      if (transitMs > maxTransitMs) return { ok: false, reason: "stale", transitMs };
      const sender = message.toString("latin1", 8, 16);
      if (!replays.take(sender, message.readUIntBE(16, 6), sentAt, now))
        return { ok: false, reason: "replayed", transitMs };
      return { ok: true, payload: signed.subarray(headerBytes), transitMs };
    },
    /**
     * The MAC of texts stored in Redis. `place` names their purpose. It contains no time and can be checked any number
     * of times.
     */
    sign(place: string, texts: readonly string[]): string {
      const lengths = [place, ...texts].map(({ length }) => length).join();
      return macOf(Buffer.from(`kept ${lengths} ${place}`), texts.join("")).toString("base64url", 0, macBytes);
    },
    /** True if `mac` belongs to these texts in this place. */
    isSigned(place: string, texts: readonly string[], mac: string): boolean {
      const [given, wanted] = [Buffer.from(mac), Buffer.from(this.sign(place, texts))];
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}

export type Envelope = ReturnType<typeof createEnvelope>;
