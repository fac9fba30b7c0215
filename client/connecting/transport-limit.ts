import type { Manager } from "socket.io-client";

/** The codes of HTTP and WebSocket for a message that is too large: 413 (RFC 9110, 15.5.14), 1009 (RFC 6455, 7.4.1). */
const tooLargeStatus = 413;
const tooLargeCode = 1009;

/**
 * Learns the largest transport message that the server takes, from each Engine.IO handshake (`maxPayload`). Call it
 * right after a connection was started.
 */
export function createTransportLimit() {
  let maxBytes = Number.POSITIVE_INFINITY;
  return {
    watch({ engine }: Manager): void {
      engine?.once("handshake", (handshake: { maxPayload?: number }) => {
        if (typeof handshake.maxPayload !== "number" || handshake.maxPayload <= 0) return;
        maxBytes = handshake.maxPayload;
        // Engine.IO underestimates the size of base64 by 0.25 % and would overfill a polling payload.
        handshake.maxPayload = Math.floor(maxBytes * 0.99);
      });
    },
    /** Bytes. Infinity before the first handshake, and with a server that names no limit. */
    maxBytes: () => maxBytes,
  };
}

/** Socket.IO's reason for a lost connection, with the transport's own error if there is one, in one line. */
export function lossOf(reason: string, details: unknown): string {
  const error = details as { message?: unknown; description?: unknown } | undefined;
  const parts = [error?.message, error?.description].filter((part) => ["string", "number"].includes(typeof part));
  return parts.length === 0 ? reason : `${reason} (${parts.join(", ")})`;
}

/** True if a message over a limit ended the connection, by the details of Socket.IO's `disconnect`. */
export function endedAsTooLarge(details: unknown): boolean {
  const { description, context } = (details ?? {}) as { description?: unknown; context?: { code?: unknown } };
  return description === tooLargeStatus || context?.code === tooLargeCode;
}
