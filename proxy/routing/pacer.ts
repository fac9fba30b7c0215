/**
 * A token bucket with a queue in one number (generic cell rate algorithm, ITU-T I.371): the earliest time at which
 * the next token would be due if they were handed out at exactly `perSecond`.
 */
export interface Pacer {
  /**
   * Takes one token. Returns how many ms to wait until it is due (0: now), or undefined, and takes nothing, when the
   * wait would be longer than `maxWaitMs`.
   */
  take(nowMs: number, maxWaitMs: number): number | undefined;
  /** True if it is as full as at the start, so that it can be dropped. */
  idle(nowMs: number): boolean;
}

/** @param burst tokens that an idle pacer gives out at once */
export function createPacer(perSecond: number, burst: number): Pacer {
  const gapMs = 1_000 / perSecond;
  const toleranceMs = (Math.max(1, burst) - 1) * gapMs;
  let dueMs = Number.NEGATIVE_INFINITY;
  return {
    take(nowMs, maxWaitMs) {
      const due = Math.max(dueMs, nowMs);
      const waitMs = Math.max(0, due - toleranceMs - nowMs);
      if (waitMs > maxWaitMs) return undefined;
      dueMs = due + gapMs;
      return waitMs;
    },
    idle: (nowMs) => dueMs <= nowMs,
  };
}
