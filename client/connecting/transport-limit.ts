import type { Manager } from "socket.io-client";

/** HTTP's and WebSocket's words for it: 413 (RFC 9110, 15.5.14), 1009 (RFC 6455, 7.4.1). */
const tooLargeStatus = 413;
const tooLargeCode = 1009;

/**
 * Learns the largest transport message that the server takes, from each Engine.IO handshake (`maxPayload`). To be told
 * of a connection right after it began.
 */
export function createTransportLimit() {
  let maxBytes = Number.POSITIVE_INFINITY;
  return {
    watch({ engine }: Manager): void {
      engine?.once("handshake", (handshake: { maxPayload?: number }) => {
        if (typeof handshake.maxPayload !== "number" || handshake.maxPayload <= 0) return;
        maxBytes = handshake.maxPayload;
        // Engine.IO takes base64 for a third larger than binary less 0.25 %, and would overfill a polling payload.
        handshake.maxPayload = Math.floor(maxBytes * 0.99);
      });
    },
    /** Bytes; infinite before the first handshake, and with a server that names none. */
    maxBytes: () => maxBytes,
  };
}

/** True if a message over a limit ended the connection, by the details of Socket.IO's `disconnect`. */
export function endedAsTooLarge(details: unknown): boolean {
  const { description, context } = (details ?? {}) as { description?: unknown; context?: { code?: unknown } };
  return description === tooLargeStatus || context?.code === tooLargeCode;
}
