import type { Log } from "../../../../common/log.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { connectClient, openSingle, type RedisConnection } from "../redis/redis-connection.ts";
import type { RedisTarget } from "../redis/redis-target.ts";
import { createStreamBytes } from "./stream-bytes.ts";
import type { Fields } from "./stream-entry.ts";
import { compareStreamIds } from "./stream-id.ts";
import type { StreamStore } from "./stream-log.ts";

/** The one stream of all replicas and namespaces. */
const streamKey = "hold-the-line:stream";
/** Entries are kept for this much longer than they can be replayed, ms. */
const marginMs = 5_000;
/** Replicas have read what is older than this, or drop it as stale, ms. */
const unreadMs = 2_000;
/** When Redis is full, room is made this often at most, ms. */
const makeRoomEveryMs = 200;
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

/** The log in a Redis stream: XADD and XREAD. Replicas trim it by age and by size. */
export function createRedisStream(options: {
  retainMs: number;
  /** Approximate maximum size of the stream, bytes. */
  maxBytes: number;
  log: Log;
}): StreamStore<StreamsConnection> {
  let bytes = createStreamBytes(options.maxBytes);
  let roomMadeAt = Number.NEGATIVE_INFINITY;

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

  return {
    append(connection, fields, cursor) {
      // Uses the clock of Redis as known from its entries.
      const now = Number(cursor?.split("-")[0]) || Date.now();
      const sent = connection.publisher.xAdd(streamKey, "*", fields, {
        // The client's type knows whole milliseconds alone.
        TRIM: { strategy: "MINID", strategyModifier: "~", threshold: oldestKept(now) as unknown as number },
      });
      sent.catch((error: Error) => {
        if (error.message.startsWith("OOM")) makeRoom(connection);
      });
      return sent;
    },
    async follow({ reader, publisher }, scope, cursor, take) {
      const [last] = (await publisher.xRevRange(streamKey, "+", "-", { COUNT: 1 })) ?? [];
      const end = last?.id ?? "0-0";
      const isAnew = cursor === null || compareStreamIds(end, cursor) < 0;
      if (isAnew) bytes = createStreamBytes(options.maxBytes);
      const from = isAnew ? end : cursor;
      const run = async () => {
        let at = from;
        while (!scope.signal.aborted) {
          const reply = await reader.xRead({ key: streamKey, id: at }, { COUNT: readCount, BLOCK: blockMs });
          for (const { id, message } of reply?.[0]?.messages ?? []) {
            const fields: Fields = { ...message };
            at = id;
            bytes.add(id, fields);
            const pause = take({ id, fields });
            if (pause !== undefined) await pause;
          }
        }
      };
      run().catch((error: unknown) => scope.abort(error));
      return from;
    },
    async oldest({ publisher }) {
      const id = (await publisher.xRange(streamKey, "-", "+", { COUNT: 1 }))?.[0]?.id;
      return id === undefined ? undefined : { id, at: Number(id.split("-")[0]) };
    },
    async *after({ publisher }, id) {
      for (let from = id; ; ) {
        const page = (await publisher.xRange(streamKey, `(${from}`, "+", { COUNT: readCount })) ?? [];
        for (const { id: at, message } of page) yield { id: at, fields: { ...message } };
        const last = page.at(-1);
        if (last === undefined || page.length < readCount) return;
        from = last.id;
      }
    },
  };
}
