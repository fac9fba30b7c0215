/** Maximum number of remembered offers of a peer. */
const limit = 100;

/** The signal of an answer. `offerId` is the name of its offer, if that had one. */
export type Answer = { description: RTCSessionDescription | null; offerId?: string };

/**
 * The offers of a peer, by name or text. A repeated offer was sent again because its answer is late or lost. It is not
 * negotiated again; it gets the same answer. An offer that a newer one has replaced is out of date.
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
    /** The action for an offer: negotiate, repeat its answer, or ignore it. */
    take(key: string): "new" | "outdated" | { answer: Answer } {
      if (newest?.key === key) return newest.answer === null ? "new" : { answer: newest.answer };
      if (past.has(key)) return "outdated";
      outdate();
      newest = { key, answer: null };
      return "new";
    },
    /**
     * The last accepted offer lost a collision. Its sender rolls it back, and a late repeat of it no longer counts.
     */
    lost: outdate,
    /** The answer to the last accepted offer. */
    answered(answer: Answer): void {
      if (newest !== null) newest.answer = answer;
    },
  };
}
