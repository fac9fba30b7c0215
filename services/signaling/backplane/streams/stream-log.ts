import { setImmediate as nextTurn } from "node:timers/promises";
import type { BackplaneConnection } from "../backplane.ts";
import type { Carrier } from "../carrier.ts";
import type { Envelope } from "../envelope.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { createEntrySeal, type Entry, type Fields } from "./stream-entry.ts";

/** Local delivery waits this long at most for the server to confirm an append, ms. */
const confirmWithinMs = 100;

/** The stream at its server. */
export interface StreamStore<C> {
  /** Appends; `cursor` is the last entry that was read. Rejects if the server did not store it. */
  append(connection: C, fields: Fields, cursor: string | null): Promise<unknown>;
  /**
   * Hands on the entries after `cursor` until the scope ends; those from now on without one, or if the stream began anew.
   * Waits for what `take` returns before the next one. Resolves with the place after which it begins.
   */
  follow(
    connection: C,
    scope: ConnectionScope,
    cursor: string | null,
    take: (entry: Entry) => Promise<unknown> | undefined,
  ): Promise<string>;
  /** The entries after an id up to the present end, also those that no replica appended. */
  after(connection: C, id: string): AsyncIterable<Entry>;
  /** The oldest entry that the stream still holds, and its time, epoch ms. */
  oldest(connection: C): Promise<{ id: string; at: number } | undefined>;
}

/**
 * The stream as a log that all replicas append to and follow.
 *
 * An append is confirmed when the reader comes to it, and local delivery comes after that: so a replica delivers its
 * own signals and those of others in the order of the stream, and a client's offset means that it has all before. It
 * waits for 100 ms at most. After that, or when the server takes no entry, nothing waits until an own entry is read
 * again. Following resumes where it was after an outage; what is stale by then is dropped.
 */
export function createStreamLog<C extends BackplaneConnection>(options: {
  store: StreamStore<C>;
  envelope: Envelope;
  carrier: () => Carrier<C>;
  onEntry: (entry: Entry) => void;
  onCanary: (payload: string) => void;
}) {
  const { carrier, store } = options;
  let stored: Promise<boolean> = Promise.resolve(true);
  let cursor: string | null = null;
  let confirmed = true;
  const entries = createEntrySeal(options.envelope);
  /** Own entries that are not read yet, by their number. */
  const unread = new Map<string, (id: string) => void>();
  const waiting = new Set<() => void>();

  function stopWaiting(): void {
    confirmed = false;
    for (const giveUp of waiting) giveUp();
    waiting.clear();
  }

  async function append(sealed: Fields): Promise<void> {
    const connection = carrier().reconnector.connection();
    if (connection === undefined) throw new Error("no connection to the backplane");
    await store.append(connection, sealed, cursor);
  }

  /** Resolves with the entry's id when it is read; rejects when it is not sent, or not read in time. */
  async function confirm(sent: Promise<void>, number: string): Promise<string> {
    const { promise: read, resolve, reject } = Promise.withResolvers<string>();
    const giveUp = () => reject(new Error("not confirmed in time"));
    if (!confirmed) giveUp();
    waiting.add(giveUp);
    unread.set(number, resolve);
    // The server may have taken earlier ones that are not read yet: they go first.
    sent.catch(stopWaiting);
    const patience = setTimeout(stopWaiting, confirmWithinMs);
    try {
      return await read;
    } finally {
      clearTimeout(patience);
      waiting.delete(giveUp);
      unread.delete(number);
    }
  }

  const isUnread = (fields: Fields) => entries.isOwn(fields) && unread.has(fields["number"] ?? "");

  function take({ id, fields }: Entry): void {
    cursor = id;
    const { transit, drop } = carrier();
    const read = entries.read(fields, Date.now());
    if ("reason" in read) {
      drop(read.reason);
      return;
    }
    if (entries.isOwn(fields) && fields["canary"] === undefined) {
      confirmed = true;
      unread.get(fields["number"] ?? "")?.(id);
      return;
    }
    transit.during(read.transitMs, () => {
      try {
        if (fields["canary"] === undefined) options.onEntry({ id, fields });
        else options.onCanary(fields["canary"]);
      } catch (error) {
        drop("poisoned", error);
      }
    });
  }

  return {
    /** Id of the last entry that was taken; null before the first connection. */
    cursor: () => cursor,
    /** Appends. Rejects if the server does not confirm in time; the entry may still be in the stream. */
    append(fields: Fields): Promise<string> {
      const sealed = entries.seal(fields, Date.now());
      const sent = append(sealed);
      sent.catch((error: unknown) => carrier().drop("unsent", error));
      stored = sent.then(
        () => true,
        () => false,
      );
      return confirm(sent, sealed.number);
    },
    /** Whether the server took what was appended last. */
    stored: () => stored,
    /** Whether this replica appended it and delivered it without its id, being tired of waiting. */
    wasGivenUp: ({ fields }: Entry): boolean => entries.isOwn(fields) && !isUnread(fields),
    /** Appends a canary without waiting for it. */
    appendCanary: (payload: string) => append(entries.seal({ canary: payload }, Date.now())),
    /** Hands on what is appended from now on, for the scope of this connection. */
    async follow(connection: C, scope: ConnectionScope): Promise<void> {
      cursor = await store.follow(connection, scope, cursor, (entry) => {
        const isAwaited = isUnread(entry.fields);
        take(entry);
        // A waiting append delivers it in the following microtasks, before the next entry.
        return isAwaited ? nextTurn() : undefined;
      });
    },
    /** The oldest entry that the stream still holds, and its time, epoch ms. */
    oldest: store.oldest,
    /** All genuine entries after an id, each once, up to the present end. */
    async *since(id: string, connection: C): AsyncGenerator<Entry> {
      const seen = new Set<string>();
      for await (const entry of store.after(connection, id)) {
        const name = `${entry.fields["by"]} ${entry.fields["number"]}`;
        if (!entries.isGenuine(entry.fields)) carrier().drop("forged");
        else if (seen.has(name)) carrier().drop("replayed");
        else {
          seen.add(name);
          yield entry;
        }
      }
    },
  };
}

export type StreamLog<C extends BackplaneConnection> = ReturnType<typeof createStreamLog<C>>;
