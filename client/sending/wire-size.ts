import type { RelayEvent, Signal } from "../../common/protocol.ts";

/** Maximum overhead of Socket.IO and Engine.IO for an event (packet types, namespace, ack id), bytes. */
const envelopeBytes = 64;

/**
 * Bytes of the largest message that Socket.IO makes of an event. Text counts as UTF-8, a binary part as base64: a
 * connection may fall back to long-polling, which uses base64 (Engine.IO protocol 4).
 *
 * @throws TypeError if the signal cannot be written as JSON (a circular reference, a BigInt)
 */
export function largestMessageBytes(event: RelayEvent, signal: Signal): number {
  let largest = 0;
  const text = JSON.stringify([event, signal], function replaceBinary(this: Record<string, unknown>, key, value) {
    // A Buffer's `toJSON` differs from its form on the wire.
    const bytes = binaryBytes(this[key]);
    if (bytes === undefined) return value;
    largest = Math.max(largest, Math.ceil(bytes / 3) * 4);
    return { _placeholder: true, num: 0 };
  });
  return Math.max(largest, utf8Bytes(text)) + envelopeBytes;
}

/** Bytes of a text as UTF-8. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

const encoder = new TextEncoder();

function binaryBytes(value: unknown): number | undefined {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  return value instanceof Blob ? value.size : undefined;
}
