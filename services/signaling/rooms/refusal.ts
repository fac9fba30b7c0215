import type { ErrorCode, Refused } from "../../../common/protocol.ts";

/** A refusal to acknowledge with. */
export function refused(
  code: ErrorCode,
  message: string,
  more: { retryAfterMs?: number; delivered?: "local" } = {},
): Refused {
  return { ok: false, error: { code, message, ...more } };
}

export const notInRoom = (): Refused => refused("not-in-room", "join the room first");

/** An event of this size on its way to its receivers. */
export const tooLarge = (bytes: number, maxBytes: number): Refused =>
  refused("too-large", `${bytes} bytes; an event may have ${maxBytes}`);

/** @param reason the limit that is exceeded */
export const tooMany = (reason: string, perSecond: number): Refused =>
  refused("rate-limited", reason, { retryAfterMs: Math.ceil(1_000 / perSecond) });
