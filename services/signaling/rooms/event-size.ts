/** Levels that an event may nest: encoders recurse, and the stack of a replica ends somewhere. */
export const maxDepth = 64;

/**
 * Bytes of an event's arguments: text as UTF-8, binary parts with their length, and what JSON puts around them but for
 * its escapes. Nothing is encoded for it. Undefined where they nest deeper than `maxDepth`.
 */
export function eventSize(args: readonly unknown[]): number | undefined {
  const size = sizeOf(args, maxDepth);
  return Number.isFinite(size) ? size : undefined;
}

function sizeOf(value: unknown, levels: number): number {
  if (typeof value === "string") return Buffer.byteLength(value) + 2;
  if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 1e6 ? 6 : 20;
  if (typeof value !== "object" || value === null) return 5;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (levels === 0) return Number.POSITIVE_INFINITY;
  let size = 2;
  if (Array.isArray(value)) for (const item of value) size += sizeOf(item, levels - 1) + 1;
  else
    for (const [name, inner] of Object.entries(value)) size += Buffer.byteLength(name) + 4 + sizeOf(inner, levels - 1);
  return size;
}
