import type { Fields } from "./stream-entry.ts";

/** Approximate memory of an entry in Redis besides its fields, bytes. */
const entryOverhead = 64;
/** The bound is kept in steps of this share of it. */
const steps = 20;

/** Bytes that an entry takes in Redis, about: ASCII counts one a character, all else up to three. */
export const entryBytes = (fields: Fields): number =>
  Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), entryOverhead);

/**
 * Counts the bytes of the entries that the stream holds, and names the oldest one that may stay.
 *
 * It remembers one entry a step, not each. Entries before the first one that it saw are not counted. Replicas that saw
 * them trim them, or they expire by age.
 */
export function createStreamBytes(maxBytes: number) {
  const stepBytes = maxBytes / steps;
  /** The bytes that were counted before each of these entries. */
  let marks: { id: string; before: number }[] = [];
  let total = 0;
  let lastId: string | undefined;
  let first: string | undefined;

  function keep(bytes: number): void {
    const index = marks.findIndex(({ before }) => total - before <= bytes);
    if (index > 0) marks = marks.slice(index);
    else if (index < 0) marks = lastId === undefined ? [] : [{ id: lastId, before: total }];
    if (index !== 0) first = marks[0]?.id;
  }

  return {
    /** An entry was appended after all others. */
    add(id: string, fields: Fields): void {
      const last = marks.at(-1);
      if (last === undefined || total - last.before >= stepBytes) marks.push({ id, before: total });
      total += entryBytes(fields);
      lastId = id;
      keep(maxBytes);
    },
    /** Redis is full: half of what is kept has to go. */
    halve(): void {
      const oldest = marks[0];
      if (oldest !== undefined) keep((total - oldest.before) / 2);
    },
    /** Id of the oldest entry that may stay; undefined while all may. */
    firstThatFits: (): string | undefined => first,
  };
}
