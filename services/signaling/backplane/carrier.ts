import { setTimeout as delay } from "node:timers/promises";
import type { BackplaneConnection, BackplaneContext, ChannelKind } from "./backplane.ts";
import { createCanary, type Lane } from "./canary/canary.ts";
import type { Rejection } from "./envelope.ts";
import { type ConnectionScope, createReconnector } from "./reconnector.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createTransit } from "./transit.ts";

/** A replica that finds no backplane at its start waits this long for it, ms. */
const startWithinMs = 5_000;

/** Shortest time between two log lines about foreign messages, ms. The metric counts all. */
const logStrangersEveryMs = 60_000;
/** Shortest time between two calls of the listeners for missed messages, ms. */
const missedEveryMs = 1_000;

/**
 * A replica that leaves a working server still takes what it gets there for this time, ms: until the others know that it
 * leaves.
 */
export const leavesWithinMs = 250;

const heartbeatChannel = "hold-the-line:canary";
const hearingChannel = "hold-the-line:hearing";

/**
 * The common part of all backplanes: one connection at a time, subscriptions, envelopes, canaries, and the count
 * of dropped messages.
 */
export function createCarrier<C extends BackplaneConnection>(
  context: BackplaneContext,
  options: {
    open: (scope: ConnectionScope) => Promise<C>;
    /** The variables that lead to the servers, for a message. */
    variables: string;
    /** The kind of channel for the replicas' own channels and canaries. */
    kind: ChannelKind;
    /** Paths through the backplane that need a canary of their own, besides the heartbeat. */
    lanes?: readonly Lane[];
    /** False while few Sentinels say that the server is the one that all replicas should use. Left out: always true. */
    confirmed?: () => boolean;
    /** Calls the listener when the server that all replicas should use is another one. */
    onMoved?: (listener: (reason: string) => void) => void;
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
  const canary = createCanary(context, {
    lanes: [heartbeat, ...(options.lanes ?? [])],
    tell: (hearing) => fire(options.kind, hearingChannel, hearing),
    onSilent: (reason) => reconnector.renew(reason),
    onDeaf: leave,
    confirmed: options.confirmed,
  });

  /** Leaves a server that may still carry messages of others. */
  function leave(reason: string): void {
    const connection = reconnector.connection();
    canary.leaves();
    const renew = () => {
      if (reconnector.connection() === connection) reconnector.renew(reason);
    };
    if (connection === undefined) renew();
    else setTimeout(renew, leavesWithinMs);
  }
  options.onMoved?.(leave);

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
    leave,
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
          log.error(`no backplane within ${startWithinMs} ms (${options.variables}): started degraded`);
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
        return connection.listeners(options.kind, channel);
      },
      subscribing: subscriptions.pending,
      onMissed: (listener: () => void) => void missedListeners.push(listener),
      up: canary.up,
      reaches: canary.reaches,
      onChange: canary.onChange,
      onHeartbeat: canary.onHeartbeat,
      async close(): Promise<void> {
        canary.close();
        reconnector.close();
      },
    },
  };
}

export type Carrier<C extends BackplaneConnection = BackplaneConnection> = ReturnType<typeof createCarrier<C>>;
