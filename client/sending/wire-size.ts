import type { RelayEvent, Signal } from "../../common/protocol.ts";

/** What Socket.IO and Engine.IO put around an event at most: packet types, namespace, ack id, bytes. */
const envelopeBytes = 64;

/**
 * Bytes of the largest message that Socket.IO makes of an event. Text counts as UTF-8, a binary part as base64: a
 * connection may fall back to long-polling, which sends it so (Engine.IO protocol 4).
 *
 * @throws TypeError when the signal cannot be written as JSON: a circle, a BigInt
 */
export function largestMessageBytes(event: RelayEvent, signal: Signal): number {
  let largest = 0;
  const text = JSON.stringify([event, signal], function replaceBinary(this: Record<string, unknown>, key, value) {
    // `toJSON` of a Buffer is not its form on the wire.
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
