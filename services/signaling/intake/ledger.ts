/** Who holds bytes on a ledger: whatever keeps them, so that idle ones need no object for it. */
export interface Holder {
  /** Gives up what it holds; it is off the ledger by then. Called again where it enters more. */
  evict(): void;
}

/**
 * A bound on the bytes that all connections of this replica hold together. When it is passed, the holder of most is
 * evicted. One that holds little does not pay for the others.
 */
export function createLedger(maxBytes: number) {
  /** Those that hold something. */
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
    /** Bytes that are held now. */
    total: () => total,
    /** Over half of the bound is held: what can wait to be read should. */
    isPressed: () => total > maxBytes / 2,
    /** Told once, when that is over. */
    onRoom: (listener: () => void): void => void waiting.push(listener),
    /** Now it holds so many bytes. One that is gone must have entered 0, and enter no more. */
    enter(holder: Holder, bytes: number): void {
      record(holder, bytes);
      while (total > maxBytes) evictLargest();
    },
  };
}

export type Ledger = ReturnType<typeof createLedger>;
