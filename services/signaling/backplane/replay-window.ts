/** Number of remembered numbers of one sender. A message further behind cannot be told from a copy. */
export const windowSize = 65_536;

/**
 * Tells numbers that were taken before from those that were not (the anti-replay window of RFC 4303 section 3.4.3).
 * Numbers may come out of order and with gaps: a replica hears only what concerns it, over several connections.
 */
export function createReplayWindow() {
  /** One bit a number, in a ring. */
  const seen = new Uint32Array(windowSize / 32);
  let highest = 0;

  return {
    /** Takes a number. Returns false if it was taken before, or is too old to tell. */
    take(number: number): boolean {
      if (number <= highest - windowSize) return false;
      if (number - highest >= windowSize) seen.fill(0);
      else for (let skipped = highest + 1; skipped <= number; skipped += 1) mark(skipped, false);
      highest = Math.max(highest, number);
      if (isMarked(number)) return false;
      mark(number, true);
      return true;
    },
  };

  function isMarked(number: number): boolean {
    const place = number % windowSize;
    return ((seen[place >>> 5] ?? 0) & (1 << (place & 31))) !== 0;
  }

  function mark(number: number, on: boolean): void {
    const place = number % windowSize;
    const word = seen[place >>> 5] ?? 0;
    const bit = 1 << (place & 31);
    seen[place >>> 5] = on ? word | bit : word & ~bit;
  }
}

export type ReplayWindow = ReturnType<typeof createReplayWindow>;

/**
 * Replay windows of all senders. One is forgotten once every copy of what its sender has sent would be older than
 * `maxAgeMs`, since that is dropped for its age; so there are as many as senders that live.
 */
export function createReplayGuard(maxAgeMs: number) {
  const senders = new Map<string, { window: ReplayWindow; freshUntil: number }>();
  return {
    /** Takes message `number` of an authenticated sender, sent at `sentAt`; false for a copy. Times are epoch ms. */
    take(sender: string, number: number, sentAt: number, now: number): boolean {
      let known = senders.get(sender);
      if (known === undefined) {
        for (const [name, { freshUntil }] of senders) if (freshUntil < now) senders.delete(name);
        known = { window: createReplayWindow(), freshUntil: 0 };
        senders.set(sender, known);
      }
      // A clock that runs ahead keeps its messages fresh for longer.
      known.freshUntil = Math.max(known.freshUntil, sentAt + maxAgeMs);
      return known.window.take(number);
    },
  };
}
