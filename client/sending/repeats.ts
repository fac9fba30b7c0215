import type { DeliveredSignal } from "../../common/protocol.ts";

/** Maximum number of remembered ids. */
const limit = 4_096;

/**
 * Remembers signals, so that each is delivered once: by the replica's `id` (a replay of the same sending) and by the
 * sender's `ref` (the sender sent it again, because it got no ack).
 */
export function createRepeats() {
  const known = new Set<string>();
  function first(key: string): boolean {
    if (known.has(key)) return false;
    known.add(key);
    if (known.size > limit) for (const oldest of known) return known.delete(oldest);
    return true;
  }
  return {
    /** True if the signal was seen before. Remembers it. */
    seen(signal: DeliveredSignal): boolean {
      const { id, from } = signal;
      const ref = signal["ref"];
      const firstId = first(`id ${id}`);
      const firstRef = typeof ref !== "string" || first(`ref ${from} ${ref}`);
      return !(firstId && firstRef);
    },
  };
}
