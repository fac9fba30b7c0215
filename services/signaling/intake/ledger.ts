/** What one connection has on a ledger. */
export interface Account {
  /** Now it holds so many bytes. */
  set(bytes: number): void;
  /** It holds nothing any more, and never will. */
  close(): void;
}

/** An account on a ledger: one object without functions of its own, for each connection has several. */
class Entry implements Account {
  bytes = 0;
  open = true;
  readonly evict: () => void;
  readonly #settle: (entry: Entry, bytes: number) => void;

  constructor(evict: () => void, settle: (entry: Entry, bytes: number) => void) {
    this.evict = evict;
    this.#settle = settle;
  }
  set(bytes: number): void {
    if (this.open && bytes !== this.bytes) this.#settle(this, bytes);
  }
  close(): void {
    this.#settle(this, 0);
    this.open = false;
  }
}

/**
 * A bound on the bytes that all connections of this replica hold together. When it is passed, the account that holds
 * most is evicted. One that holds little does not pay for the others.
 */
export function createLedger(maxBytes: number) {
  /** Those that hold something. */
  const holders = new Set<Entry>();
  let total = 0;
  let waiting: (() => void)[] = [];

  function evictLargest(): void {
    let largest: Entry | undefined;
    for (const entry of holders) if (largest === undefined || entry.bytes > largest.bytes) largest = entry;
    if (largest === undefined) return;
    record(largest, 0);
    largest.open = false;
    largest.evict();
  }

  function record(entry: Entry, bytes: number): void {
    total += bytes - entry.bytes;
    if (entry.bytes === 0 && bytes > 0) holders.add(entry);
    else if (bytes === 0) holders.delete(entry);
    entry.bytes = bytes;
    if (waiting.length === 0 || total > maxBytes / 2) return;
    const told = waiting;
    waiting = [];
    for (const listener of told) listener();
  }

  function settle(entry: Entry, bytes: number): void {
    record(entry, bytes);
    while (total > maxBytes) evictLargest();
  }

  return {
    /** Bytes that are held now. */
    total: () => total,
    /** Over half of the bound is held: what can wait to be read should. */
    isPressed: () => total > maxBytes / 2,
    /** Told once, when that is over. */
    onRoom: (listener: () => void): void => void waiting.push(listener),
    /** Opens an account. `evict` must give up what it holds: its account is closed by then. */
    open: (evict: () => void): Account => new Entry(evict, settle),
  };
}

export type Ledger = ReturnType<typeof createLedger>;
