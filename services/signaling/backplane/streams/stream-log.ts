import { setImmediate as nextTurn } from "node:timers/promises";
import type { Log } from "../../../../common/log.ts";
import type { Carrier } from "../carrier.ts";
import type { Envelope } from "../envelope.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { connectClient, openSingle, type RedisConnection } from "../redis/redis-connection.ts";
import type { RedisTarget } from "../redis/redis-target.ts";
import { createStreamBytes } from "./stream-bytes.ts";
import { createEntrySeal, type Entry, type Fields } from "./stream-entry.ts";
import { compareStreamIds } from "./stream-id.ts";

/** The one stream of all replicas and namespaces. */
const streamKey = "hold-the-line:stream";
/** Entries are kept for this much longer than they can be replayed, ms. */
const marginMs = 5_000;
/** Replicas have read what is older than this, or drop it as stale, ms. */
const unreadMs = 2_000;
/** When Redis is full, room is made this often at most, ms. */
const makeRoomEveryMs = 200;
/** Local delivery waits this long at most for Redis to confirm an append, ms. */
const confirmWithinMs = 100;
const readCount = 500;
const blockMs = 1_000;

export type StreamsConnection = Awaited<ReturnType<typeof openStreams>>;

/** The two connections of every backplane, and one that blocks in XREAD. */
export async function openStreams(target: RedisTarget, scope: ConnectionScope) {
  const reader = connectClient(target, "reader", scope);
  const [single] = await Promise.all([openSingle(target, scope), reader.connect()]);
  const connection: RedisConnection = single;
  return {
    ...connection,
    publisher: single.publisher,
    reader,
    destroy() {
      single.destroy();
      reader.destroy();
    },
  };
}

/**
 * The stream as a log that all replicas append to and follow.
 *
 * An append is confirmed when the reader comes to it, and local delivery comes after that: so a replica delivers its
 * own signals and those of others in the order of the stream, and a client's offset means that it has all before. It
 * waits for 100 ms at most. After that, or when Redis takes no entry, nothing waits until an own entry is read again.
 * Following resumes where it was after an outage; what is stale by then is dropped, and a stream that began anew with
 * its server is followed from its beginning.
 */
export function createStreamLog(options: {
  retainMs: number;
  /** Approximate maximum size of the stream, bytes. */
  maxBytes: number;
  envelope: Envelope;
  log: Log;
  carrier: () => Carrier<StreamsConnection>;
  onEntry: (entry: Entry) => void;
  onCanary: (payload: string) => void;
}) {
  const { carrier } = options;
  let bytes = createStreamBytes(options.maxBytes);
  let roomMadeAt = Number.NEGATIVE_INFINITY;
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

  /**
   * Id of the oldest entry that stays: older ones are too old, or too many. A replica may not have read the entries of
   * the last two seconds, so they stay however many they are.
   */
  function oldestKept(now: number): string {
    const idAt = (ms: number) => `${Math.max(0, ms)}-0`;
    const byAge = idAt(now - options.retainMs - marginMs);
    const [bySize = byAge] = [bytes.firstThatFits() ?? byAge, idAt(now - unreadMs)].sort(compareStreamIds);
    return compareStreamIds(byAge, bySize) < 0 ? bySize : byAge;
  }

  function append(sealed: Fields): Promise<string> {
    const connection = carrier().reconnector.connection();
    if (connection === undefined) return Promise.reject(new Error("no connection to the backplane"));
    // Uses the clock of Redis as known from its entries.
    const now = Number(cursor?.split("-")[0]) || Date.now();
    const sent = connection.publisher.xAdd(streamKey, "*", sealed, {
      // The client's type knows whole milliseconds alone.
      TRIM: { strategy: "MINID", strategyModifier: "~", threshold: oldestKept(now) as unknown as number },
    });
    sent.catch((error: Error) => {
      if (error.message.startsWith("OOM")) makeRoom(connection);
    });
    return sent;
  }

  /** Redis is full and takes no entry, so that none trims the stream: half of it goes. */
  function makeRoom({ publisher }: StreamsConnection): void {
    if (performance.now() - roomMadeAt < makeRoomEveryMs) return;
    roomMadeAt = performance.now();
    bytes.halve();
    publisher.xTrim(streamKey, "MINID", oldestKept(Date.now()) as unknown as number).then(
      (count) => options.log.warn(`Redis is full (maxmemory): trimmed ${count} entries of the stream`),
      (error: Error) =>
        options.log.error(`Redis is full and the stream cannot be trimmed: ${error.message} (its user needs +xtrim)`),
    );
  }

  /** Resolves with the entry's id when it is read; rejects when it is not sent, or not read in time. */
  async function confirm(sent: Promise<string>, number: string): Promise<string> {
    const { promise: read, resolve, reject } = Promise.withResolvers<string>();
    const giveUp = () => reject(new Error("not confirmed in time"));
    if (!confirmed) giveUp();
    waiting.add(giveUp);
    unread.set(number, resolve);
    // Redis may have taken earlier ones that are not read yet: they go first.
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
    bytes.add(id, fields);
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
    /** Appends. Rejects if Redis does not confirm in time; the entry may still be in the stream. */
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
    /** Whether Redis took what was appended last. */
    stored: () => stored,
    /** Whether this replica appended it and delivered it without its id, being tired of waiting. */
    wasGivenUp: ({ fields }: Entry): boolean => entries.isOwn(fields) && !isUnread(fields),
    /** Appends a canary without waiting for it. */
    appendCanary: (payload: string) => append(entries.seal({ canary: payload }, Date.now())),
    /** Hands on what is appended from now on, for the scope of this connection. */
    async follow({ reader, publisher }: StreamsConnection, scope: ConnectionScope): Promise<void> {
      const [last] = (await publisher.xRevRange(streamKey, "+", "-", { COUNT: 1 })) ?? [];
      const end = last?.id ?? "0-0";
      if (cursor === null || compareStreamIds(end, cursor) < 0) {
        cursor = end;
        bytes = createStreamBytes(options.maxBytes);
      }
      const run = async () => {
        while (!scope.signal.aborted) {
          const from: string = cursor ?? end;
          const reply = await reader.xRead({ key: streamKey, id: from }, { COUNT: readCount, BLOCK: blockMs });
          for (const { id, message } of reply?.[0]?.messages ?? []) {
            const fields = { ...message };
            const isAwaited = isUnread(fields);
            take({ id, fields });
            // A waiting append delivers it in the following microtasks, before the next entry.
            if (isAwaited) await nextTurn();
          }
        }
      };
      run().catch((error: unknown) => scope.abort(error));
    },
    /** Id of the oldest entry that the stream still holds. */
    async oldest({ publisher }: StreamsConnection): Promise<string | undefined> {
      return (await publisher.xRange(streamKey, "-", "+", { COUNT: 1 }))?.[0]?.id;
    },
    /** All genuine entries after an id, each once, up to the present end. */
    async *since(id: string, { publisher }: StreamsConnection): AsyncGenerator<Entry> {
      const seen = new Set<string>();
      for (let from = id; ; ) {
        const page = (await publisher.xRange(streamKey, `(${from}`, "+", { COUNT: readCount })) ?? [];
        for (const { id: at, message } of page) {
          const fields = { ...message };
          const name = `${fields["by"]} ${fields["number"]}`;
          if (!entries.isGenuine(fields)) carrier().drop("forged");
          else if (seen.has(name)) carrier().drop("replayed");
          else {
            seen.add(name);
            yield { id: at, fields };
          }
        }
        const last = page.at(-1);
        if (last === undefined || page.length < readCount) return;
        from = last.id;
      }
    },
  };
}

export type StreamLog = ReturnType<typeof createStreamLog>;
