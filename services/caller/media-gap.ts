/** Media counts as interrupted when it stays away longer than this, ms. */
export const gapLimitMs = 1_000;

/** Most that one tick adds to a silence, ms. A longer tick means that this process was stalled, not the media. */
const tickLimitMs = 100;

/**
 * Measures silences in a stream of messages. It counts them in ticks of a timer, each for at most 100 ms. So a stall of
 * this process, during which neither end sends, does not count as a gap of the media.
 *
 * @param onInterrupted called once for each silence, when it exceeds {@link gapLimitMs}
 */
export function createGapMeter(onInterrupted: () => void) {
  let lastTickAt: number | null = null;
  let silentMs = 0;
  return {
    /** A message arrived. Ends the silence and returns its length in ms. */
    received(): number {
      const ended = silentMs;
      silentMs = 0;
      return ended;
    },
    /** Call about every 50 ms, with a clock in ms. */
    tick(now: number): void {
      const before = silentMs;
      silentMs += Math.min(now - (lastTickAt ?? now), tickLimitMs);
      lastTickAt = now;
      if (before <= gapLimitMs && silentMs > gapLimitMs) onInterrupted();
    },
  };
}
