import { maxDepth } from "../rooms/event-size.ts";

/** Attachments that an event may have: clients' parsers give up their connection above that (socket.io-parser 4.2). */
export const maxAttachments = 10;

/** A binary event without its data (Socket.IO protocol 5): type, attachments, namespace, id. */
const binaryHead = /^5(\d{1,9})-\/[^,]{1,64},(\d{1,16})?\[/;

/**
 * A binary event whose text alone is over `maxBytes`, and the ack that it asks for; undefined for other events. It
 * would be kept until its attachments arrive, so it is not even parsed.
 */
export function oversizedEvent(text: string, maxBytes: number): { id?: number; attachments: number } | undefined {
  if (text.length <= maxBytes) return undefined;
  const head = binaryHead.exec(text.slice(0, 128));
  if (head === null) return undefined;
  const [, attachments, id] = head;
  return { attachments: Number(attachments), ...(id === undefined ? {} : { id: Number(id) }) };
}

/** The place of an attachment: `container[key]`. */
interface Place {
  container: Record<string, unknown>;
  key: string;
}

/** The attachments in an event's JSON: a place for each, in order, or the reason of a refusal. */
export type Named = { places: Place[] } | { refused: "invalid" | "too-large"; message: string };

/**
 * Finds the placeholders of an event's attachments (Socket.IO protocol 5, "binary event"). Each of the `declared`
 * attachments must be named once: a receiver counts names, not buffers.
 */
export function findPlaceholders(data: unknown[], declared: number): Named {
  const places = new Map<number, Place>();
  let named = 0;
  let problem: string | undefined;

  /** Looks on after a problem: too many names are told first. */
  function walk(container: Record<string, unknown>, levels: number): void {
    for (const key of Object.keys(container)) {
      const value = container[key];
      if (typeof value !== "object" || value === null || named > maxAttachments) continue;
      const { _placeholder: isPlaceholder, num } = value as { _placeholder?: unknown; num?: unknown };
      if (isPlaceholder !== true) {
        if (levels > 0) walk(value as Record<string, unknown>, levels - 1);
        else problem ??= `nested deeper than ${maxDepth} levels`;
        continue;
      }
      named += 1;
      const isOne = Number.isInteger(num) && (num as number) >= 0 && (num as number) < declared;
      if (!isOne || places.has(num as number))
        problem ??= `an attachment is named twice, or is none of the ${declared}`;
      places.set(num as number, { container, key });
    }
  }

  walk(data as unknown as Record<string, unknown>, maxDepth);
  if (declared > maxAttachments || named > maxAttachments)
    return { refused: "too-large", message: `an event may have ${maxAttachments} attachments` };
  if (problem !== undefined) return { refused: "invalid", message: problem };
  if (named < declared) return { refused: "invalid", message: `only ${named} of ${declared} attachments are named` };
  return { places: Array.from({ length: declared }, (_, num) => places.get(num) as Place) };
}
