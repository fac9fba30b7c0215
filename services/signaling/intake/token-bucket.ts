/** A token bucket of `burst` tokens, refilled at `perSecond`; times are of one clock, in ms. */
export function createTokenBucket(burst: number, perSecond: number, now: number) {
  let tokens = burst;
  let filledAt = now;
  return {
    /** Takes that many tokens; false, and takes none, when there are fewer. */
    take(at: number, count = 1): boolean {
      tokens = Math.min(burst, tokens + ((at - filledAt) / 1000) * perSecond);
      filledAt = at;
      // What costs more than the bucket holds is let through by a full one.
      if (tokens < Math.min(count, burst)) return false;
      tokens -= count;
      return true;
    },
  };
}
