import type { ErrorCode, Refused } from "../../../common/protocol.ts";

/** A refusal to acknowledge with. */
export function refused(
  code: ErrorCode,
  message: string,
  more: { retryAfterMs?: number; delivered?: "local" } = {},
): Refused {
  return { ok: false, error: { code, message, ...more } };
}
