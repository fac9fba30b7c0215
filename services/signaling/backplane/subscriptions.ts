import type { BackplaneConnection, ChannelKind } from "./backplane.ts";
import type { Envelope, Rejection } from "./envelope.ts";
import type { Transit } from "./transit.ts";

/** `channel` is the message's channel, which differs from a pattern. */
export type Listener = (payload: Buffer, channel: Buffer) => void;

interface Subscription {
  kind: ChannelKind;
  channel: string;
  listeners: Set<Listener>;
  /** The connection on which it is subscribed. */
  on: BackplaneConnection | undefined;
  /** One change at a time, so that the last one wins. */
  settled: Promise<void>;
}

/**
 * This replica's subscriptions on any connection. A subscription is recorded at once and repeated on every new
 * connection.
 *
 * A message is opened once. A foreign, forged, stale or replayed one is dropped. A listener that throws (a poisoned
 * payload) harms no other listener and does not make the subscriber deaf.
 */
export function createSubscriptions(options: {
  connection: () => BackplaneConnection | undefined;
  envelope: Envelope;
  transit: Transit;
  drop: (reason: Rejection | "poisoned", error?: unknown) => void;
  /** A connection that refuses a subscription is of no use and is discarded. */
  onRefused: (reason: string) => void;
}) {
  const { connection, envelope, transit, drop } = options;
  const subscriptions = new Map<string, Subscription>();
  /** Pending changes. */
  const changes = new Set<Promise<void>>();
  const keyOf = (kind: ChannelKind, channel: string) => `${kind} ${channel}`;

  function deliver({ listeners }: Subscription, message: Buffer, channel: Buffer): void {
    const opened = envelope.open(channel, message, Date.now());
    if (!opened.ok) {
      drop(opened.reason);
      return;
    }
    transit.during(opened.transitMs, () => {
      for (const listener of listeners) {
        try {
          listener(opened.payload, channel);
        } catch (error) {
          drop("poisoned", error);
        }
      }
    });
  }

  function settle(subscription: Subscription): Promise<void> {
    const { kind, channel, listeners } = subscription;
    subscription.settled = subscription.settled.then(async () => {
      const now = connection();
      try {
        if (now !== undefined && listeners.size > 0 && subscription.on !== now) {
          await now.subscribe(kind, channel, (message, from) => deliver(subscription, message, from));
          subscription.on = now;
        } else if (now !== undefined && listeners.size === 0 && subscription.on === now) {
          subscription.on = undefined;
          await now.unsubscribe(kind, channel);
        }
      } catch (error) {
        if (connection() === now) options.onRefused(`${kind} ${channel}: ${(error as Error).message}`);
      }
      if (listeners.size === 0 && subscriptions.get(keyOf(kind, channel)) === subscription)
        subscriptions.delete(keyOf(kind, channel));
    });
    const { settled } = subscription;
    changes.add(settled);
    void settled.then(() => changes.delete(settled));
    return settled;
  }

  return {
    /** Resolves when the server has subscribed, or at once without a connection. */
    add(kind: ChannelKind, channel: string, listener: Listener): Promise<void> {
      const key = keyOf(kind, channel);
      let subscription = subscriptions.get(key);
      if (subscription === undefined) {
        subscription = { kind, channel, listeners: new Set(), on: undefined, settled: Promise.resolve() };
        subscriptions.set(key, subscription);
      }
      subscription.listeners.add(listener);
      return settle(subscription);
    },
    /** Resolves when all changes so far are made or dropped; undefined if none is pending. */
    pending: (): Promise<unknown> | undefined => (changes.size === 0 ? undefined : Promise.all(changes)),
    /** Removes one listener, or all of the channel. */
    async remove(kind: ChannelKind, channel: string, listener?: Listener): Promise<void> {
      const subscription = subscriptions.get(keyOf(kind, channel));
      if (subscription === undefined) return;
      if (listener === undefined) subscription.listeners.clear();
      else subscription.listeners.delete(listener);
      await settle(subscription);
    },
    /** Makes all subscriptions on the current connection. */
    async restore(): Promise<void> {
      await Promise.all([...subscriptions.values()].map(settle));
    },
  };
}
