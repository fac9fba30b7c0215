/** Maximum nesting of an event, because encoders recurse and a replica's stack is limited. */
export const maxDepth = 64;

/** An event's size on its way to its receivers, bytes. */
export interface EventSize {
  /** In Socket.IO's form: JSON, and each binary part unchanged. */
  packets: number;
  /** As `/ws` sends it: JSON alone, in which a byte of a binary part takes up to four. */
  json: number;
}

/**
 * Measures an event's arguments as they will be encoded: escapes count, and so do the names that JSON repeats. Nothing
 * is encoded for it but strings that need escapes. Undefined where they nest deeper than `maxDepth`.
 *
 * @param enough where the event cannot be larger than this, bytes, each size is the most that it can be: that takes no
 *   look at the characters
 */
export function eventSize(args: readonly unknown[], enough = 0): EventSize | undefined {
  const most = sizeBy(args, mostTextBytes, enough);
  return most !== undefined && most.json <= enough ? most : sizeBy(args, textBytes, Number.POSITIVE_INFINITY);
}

/** @param giveUpAt undefined above so many bytes of one object or array */
function sizeBy(args: readonly unknown[], bytesOf: (text: string) => number, giveUpAt: number): EventSize | undefined {
  let binary = 0;
  let parts = 0;

  function measure(value: unknown, levels: number): number {
    if (typeof value === "string") return bytesOf(value);
    if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 1e6 ? 7 : String(value).length;
    if (typeof value !== "object" || value === null) return 5;
    if (ArrayBuffer.isView(value)) {
      binary += value.byteLength;
      parts += 1;
      return placeholderBytes;
    }
    if (levels === 0) return Number.POSITIVE_INFINITY;
    let bytes = 2;
    if (Array.isArray(value))
      for (const item of value) {
        bytes += measure(item, levels - 1) + 1;
        if (bytes > giveUpAt) return Number.POSITIVE_INFINITY;
      }
    else
      for (const name of Object.keys(value)) {
        bytes += bytesOf(name) + 2 + measure((value as Record<string, unknown>)[name], levels - 1);
        if (bytes > giveUpAt) return Number.POSITIVE_INFINITY;
      }
    return bytes;
  }

  const json = measure(args, maxDepth);
  if (!Number.isFinite(json)) return undefined;
  return { packets: json + binary, json: json + parts * bufferJsonBytes + 4 * binary };
}

/** `{"_placeholder":true,"num":0}` */
const placeholderBytes = 30;
/** `{"type":"Buffer","data":[]}` */
const bufferJsonBytes = 27;

/** An escape of JSON takes six bytes, any character less. */
const mostTextBytes = (text: string): number => 6 * text.length + 2;

/** Longest text that is looked at character by character: most names are shorter. */
const shortText = 64;

/** Bytes of a text in JSON, its quotes included: quotes, backslashes, controls and lone surrogates are escaped. */
function textBytes(text: string): number {
  if (text.length > shortText) return Buffer.byteLength(JSON.stringify(text));
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isPlain = code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
    if (!isPlain) return Buffer.byteLength(JSON.stringify(text));
  }
  return text.length + 2;
}
