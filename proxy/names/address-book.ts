import { isIP } from "node:net";
import type { Resolve } from "./resolver.ts";

interface Entry {
  /** The last answer; empty before the first. */
  addresses: readonly string[];
  timer: NodeJS.Timeout | undefined;
  /** Why the last look-up failed; undefined if it succeeded. */
  error: string | undefined;
  readonly watchers: Set<() => void>;
}

/**
 * Holds the addresses of names. It looks every name up repeatedly in the background. If a name disappears or the
 * resolver fails, the last answer stays.
 */
export function createAddressBook(options: {
  resolve: Resolve;
  /** Pause between the end of one look-up and the next. */
  intervalMs: number;
  /** The last question had an answer and this one has none, or the other way round. */
  onTurn(name: string, error: string | undefined): void;
}) {
  const entries = new Map<string, Entry>();
  let closed = false;

  async function ask(name: string, entry: Entry): Promise<void> {
    const before = entry.error;
    try {
      const addresses = await options.resolve(name);
      if (addresses.length > 0) entry.addresses = addresses;
      entry.error = addresses.length > 0 ? undefined : "it has no address";
    } catch (error) {
      entry.error = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    }
    if (closed || entries.get(name) !== entry) return;
    if ((before === undefined) !== (entry.error === undefined)) options.onTurn(name, entry.error);
    entry.timer = setTimeout(() => void ask(name, entry), options.intervalMs).unref();
    for (const told of entry.watchers) told();
  }

  return {
    /** The current addresses of `name`; itself if it is an address; empty if it never resolved. */
    addressesOf: (name: string): readonly string[] => (isIP(name) > 0 ? [name] : (entries.get(name)?.addresses ?? [])),
    /**
     * Looks `name` up from now on, and calls `told` after each look-up. Does nothing for an address.
     *
     * @returns a function that stops it
     */
    watch(name: string, told: () => void): () => void {
      if (isIP(name) > 0) return () => undefined;
      let entry = entries.get(name);
      if (entry === undefined) {
        entry = { addresses: [], timer: undefined, error: undefined, watchers: new Set() };
        entries.set(name, entry);
        void ask(name, entry);
      }
      const { watchers } = entry;
      watchers.add(told);
      return () => {
        watchers.delete(told);
        if (watchers.size > 0) return;
        clearTimeout(entries.get(name)?.timer);
        entries.delete(name);
      };
    },
    /** Names that do not resolve now and whose last addresses are kept. */
    stale: (): string[] =>
      [...entries].filter(([, entry]) => entry.error !== undefined && entry.addresses.length > 0).map(([name]) => name),
    close(): void {
      closed = true;
      for (const { timer } of entries.values()) clearTimeout(timer);
    },
  };
}

export type AddressBook = ReturnType<typeof createAddressBook>;
