/** Media counts as interrupted when it stays away longer than this, ms. */
export const gapLimitMs = 1_000;

/** Most that one tick adds to a silence, ms: a longer one says that this process was stalled, not the media. */
const tickLimitMs = 100;

/**
 * Measures how long a stream of messages stays silent. The silence is counted in ticks of a timer of this process,
 * each for 100 ms at most, so that a stall of the process, in which no end sends, is no gap of the media.
 *
 * @param onInterrupted called once a silence, when it passes {@link gapLimitMs}
 */
export function createGapMeter(onInterrupted: () => void) {
  let lastTickAt: number | null = null;
  let silentMs = 0;
  return {
    /** A message came: ends the silence and tells its length in ms. */
    received(): number {
      const ended = silentMs;
      silentMs = 0;
      return ended;
    },
    /** To be called every 50 ms or so, with a clock in ms. */
    tick(now: number): void {
      const before = silentMs;
      silentMs += Math.min(now - (lastTickAt ?? now), tickLimitMs);
      lastTickAt = now;
      if (before <= gapLimitMs && silentMs > gapLimitMs) onInterrupted();
    },
  };
}
