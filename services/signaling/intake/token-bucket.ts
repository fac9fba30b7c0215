/** A token bucket of `burst` tokens, refilled at `perSecond`; `now` is a clock in ms. */
export function createTokenBucket(burst: number, perSecond: number, now: number) {
  let tokens = burst;
  let filledAt = now;
  return {
    /** Takes one token; false when there is none. */
    take(at: number): boolean {
      tokens = Math.min(burst, tokens + ((at - filledAt) / 1000) * perSecond);
      filledAt = at;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

export type TokenBucket = ReturnType<typeof createTokenBucket>;
