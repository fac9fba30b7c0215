/** Offers of a peer that are remembered. */
const limit = 100;

/** The signal of an answer. `offerId`: the name of the offer that it answers, where that had one. */
export type Answer = { description: RTCSessionDescription | null; offerId?: string };

/**
 * What a peer has offered, by name or text. An offer that comes again was sent again, since its answer is late or lost:
 * it is not negotiated anew, and gets the same answer. One that a newer offer has replaced is out of date.
 */
export function createOffersOfPeer() {
  const past = new Set<string>();
  let newest: { key: string; answer: Answer | null } | null = null;
  function outdate(): void {
    if (newest !== null) past.add(newest.key);
    newest = null;
    for (const oldest of past) {
      if (past.size <= limit) break;
      past.delete(oldest);
    }
  }

  return {
    /** What to do about an offer: negotiate, send the answer that it had, or nothing. */
    take(key: string): "new" | "outdated" | { answer: Answer } {
      if (newest?.key === key) return newest.answer === null ? "new" : { answer: newest.answer };
      if (past.has(key)) return "outdated";
      outdate();
      newest = { key, answer: null };
      return "new";
    },
    /**
     * The offer that was taken last lost a collision: its sender rolls it back, and a late repeat of it counts no more.
     */
    lost: outdate,
    /** The answer to the offer that was taken last. */
    answered(answer: Answer): void {
      if (newest !== null) newest.answer = answer;
    },
  };
}
