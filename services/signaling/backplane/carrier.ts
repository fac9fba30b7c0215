import { setTimeout as delay } from "node:timers/promises";
import type { BackplaneContext } from "./backplane.ts";
import { createCanary, type Lane } from "./canary.ts";
import type { Rejection } from "./envelope.ts";
import { type ConnectionScope, createReconnector } from "./redis/reconnector.ts";
import type { ChannelKind, RedisConnection } from "./redis/redis-connection.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createTransit } from "./transit.ts";

/** A replica that finds no backplane at its start waits this long for it, ms. */
const startWithinMs = 5_000;

/** Shortest time between two log lines about foreign messages, ms. The metric counts all. */
const logStrangersEveryMs = 60_000;
/** Shortest time between two calls of the listeners for missed messages, ms. */
const missedEveryMs = 1_000;

const heartbeatChannel = "hold-the-line:canary";
const hearingChannel = "hold-the-line:hearing";

/**
 * The common part of the Redis backplanes: one connection at a time, subscriptions, envelopes, canaries, and the count
 * of dropped messages.
 */
export function createCarrier<C extends RedisConnection>(
  context: BackplaneContext,
  options: {
    open: (scope: ConnectionScope) => Promise<C>;
    /** The kind of channel for the replicas' own channels and canaries. */
    kind: ChannelKind;
    /** Paths through the backplane that need a canary of their own, besides the heartbeat. */
    lanes?: readonly Lane[];
    /** False while few Sentinels say that the server is the one that all replicas should use. Left out: always true. */
    confirmed?: () => boolean;
  },
) {
  const { envelope, log, metrics } = context;
  const transit = createTransit();
  let strangerLoggedAt = Number.NEGATIVE_INFINITY;
  const reconnector = createReconnector({
    open: options.open,
    async onOpen() {
      await subscriptions.restore();
      canary.opened();
    },
    onLost: () => canary.lost(),
    log,
  });

  function drop(reason: Rejection | "unsent" | "poisoned", err?: unknown): void {
    metrics.backplaneDropped.inc({ reason });
    if (err !== undefined) log.debug({ reason, err }, "not carried by the backplane");
    if (reason === "stale") missed();
    if (reason !== "foreign" && reason !== "forged") return;
    const now = performance.now();
    if (now - strangerLoggedAt < logStrangersEveryMs) return;
    strangerLoggedAt = now;
    log.warn({ reason }, "dropped a message that no replica with our BACKPLANE_SECRET and version published");
  }

  const missedListeners: (() => void)[] = [];
  let missedAt = Number.NEGATIVE_INFINITY;

  /** Called at most once a second: after a pause many messages are too old. */
  function missed(): void {
    if (performance.now() - missedAt < missedEveryMs) return;
    missedAt = performance.now();
    for (const listener of missedListeners) listener();
  }

  const subscriptions = createSubscriptions({
    connection: reconnector.connection,
    envelope,
    transit,
    drop,
    onRefused: (reason) => reconnector.renew(`subscription refused: ${reason}`),
  });

  function publish(kind: ChannelKind, channel: string, payload: Buffer | string): Promise<unknown> | undefined {
    const connection = reconnector.connection();
    if (connection === undefined) throw new Error("no connection to the backplane");
    return connection.publish(kind, channel, envelope.seal(channel, payload, Date.now()));
  }

  async function send(kind: ChannelKind, channel: string, payload: Buffer | string): Promise<void> {
    await publish(kind, channel, payload);
  }

  function fire(kind: ChannelKind, channel: string, payload: Buffer | string): void {
    try {
      publish(kind, channel, payload)?.catch((error: unknown) => drop("unsent", error));
    } catch (error) {
      drop("unsent", error);
    }
  }

  const heartbeat = { name: "heartbeat", send: (payload: string) => send(options.kind, heartbeatChannel, payload) };
  let roleRefused = false;
  /** Returns from a master alone: a read-only copy takes PUBLISH too, and the replicas on its master do not hear it. */
  const role = {
    name: "role",
    async send(payload: string): Promise<void> {
      const connection = reconnector.connection();
      if (connection === undefined) return;
      const answers = await connection.command(["INFO", "replication"]).catch((error: Error) => {
        if (!error.message.startsWith("NOPERM")) throw error;
        if (!roleRefused) log.warn("cannot ask Redis whether it is the master: its user needs +info");
        roleRefused = true;
        return [];
      });
      if (answers.every((text) => /^role:master\r?$/m.test(String(text)))) canary.receive("role", payload);
      else reconnector.renew("Redis is a read-only copy of another server: REDIS_URL must lead to the master");
    },
  };
  const canary = createCanary(context, {
    lanes: [heartbeat, role, ...(options.lanes ?? [])],
    tell: (hearing) => fire(options.kind, hearingChannel, hearing),
    onSilent: (reason) => reconnector.renew(reason),
    confirmed: options.confirmed,
  });

  return {
    envelope,
    reconnector,
    canary,
    subscriptions,
    transit,
    drop,
    send,
    /** Publishes, or drops and counts. Never rejects. */
    fire,
    /** Resolves when the backplane carries messages, or after 5 s without it. */
    async start(): Promise<void> {
      await subscriptions.add(options.kind, heartbeatChannel, (payload) =>
        canary.receive("heartbeat", payload.toString("latin1")),
      );
      await subscriptions.add(options.kind, hearingChannel, (payload) => canary.hears(payload.toString("latin1")));
      const { promise: up, resolve } = Promise.withResolvers<void>();
      canary.onChange(() => resolve());
      reconnector.start();
      const patience = new AbortController();
      await Promise.race([
        up,
        delay(startWithinMs, undefined, { signal: patience.signal }).then(() => {
          log.error(
            `no backplane within ${startWithinMs} ms (REDIS_URL, REDIS_USERNAME, REDIS_PASSWORD): started degraded`,
          );
        }),
      ]);
      patience.abort();
    },
    /** Everything of `Backplane` except the adapter. */
    common: {
      async publish(channel: string, payload: string): Promise<void> {
        if (!canary.up()) throw new Error("the backplane is down");
        await send(options.kind, channel, payload);
      },
      async subscribe(channel: string, listener: (payload: string, transitMs: number) => void) {
        const heard = (payload: Buffer) => listener(payload.toString("utf8"), transit.now() ?? 0);
        await subscriptions.add(options.kind, channel, heard);
        return () => subscriptions.remove(options.kind, channel, heard);
      },
      fire: (channel: string, payload: Buffer | string) => fire(options.kind, channel, payload),
      async listen(channel: string, listener: (payload: Buffer, transitMs: number) => void) {
        const heard = (payload: Buffer) => listener(payload, transit.now() ?? 0);
        await subscriptions.add(options.kind, channel, heard);
        return () => subscriptions.remove(options.kind, channel, heard);
      },
      async listeners(channel: string): Promise<number> {
        const connection = reconnector.connection();
        if (connection === undefined) throw new Error("no connection to the backplane");
        const command = options.kind === "shard" ? "SHARDNUMSUB" : "NUMSUB";
        const replies = (await connection.command(["PUBSUB", command, channel])) as [string, number | string][];
        return replies.flat().reduce((sum: number, part) => (part === channel ? sum : sum + Number(part)), 0);
      },
      subscribing: subscriptions.pending,
      onMissed: (listener: () => void) => void missedListeners.push(listener),
      up: canary.up,
      onChange: canary.onChange,
      onHeartbeat: canary.onHeartbeat,
      async close(): Promise<void> {
        canary.close();
        reconnector.close();
      },
    },
  };
}

export type Carrier<C extends RedisConnection = RedisConnection> = ReturnType<typeof createCarrier<C>>;
