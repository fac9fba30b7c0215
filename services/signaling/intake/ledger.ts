/** A holder of bytes on a ledger. It is the object that keeps them, so that idle ones need no further object. */
export interface Holder {
  /** Drops its bytes. It is already off the ledger. Called again if it enters more. */
  evict(): void;
}

/**
 * A bound on the bytes of all connections of this replica together. Above it the largest holder is evicted, so small
 * holders do not pay for the others.
 */
export function createLedger(maxBytes: number) {
  /** The holders of at least one byte. */
  const holders = new Map<Holder, number>();
  let total = 0;
  let waiting: (() => void)[] = [];

  function evictLargest(): void {
    let largest: Holder | undefined;
    let most = 0;
    for (const [holder, bytes] of holders) if (bytes > most) [largest, most] = [holder, bytes];
    if (largest === undefined) return;
    record(largest, 0);
    largest.evict();
  }

  function record(holder: Holder, bytes: number): void {
    const before = holders.get(holder) ?? 0;
    if (bytes === before) return;
    total += bytes - before;
    if (bytes > 0) holders.set(holder, bytes);
    else holders.delete(holder);
    if (waiting.length === 0 || total > maxBytes / 2) return;
    const told = waiting;
    waiting = [];
    for (const listener of told) listener();
  }

  return {
    /** Held bytes. */
    total: () => total,
    /** True if over half of the bound is held. Input that can wait should not be read then. */
    isPressed: () => total > maxBytes / 2,
    /** Called once, when that has ended. */
    onRoom: (listener: () => void): void => void waiting.push(listener),
    /** Sets the bytes of a holder. A closed holder must have entered 0 and must not enter more. */
    enter(holder: Holder, bytes: number): void {
      record(holder, bytes);
      while (total > maxBytes) evictLargest();
    },
  };
}

export type Ledger = ReturnType<typeof createLedger>;
