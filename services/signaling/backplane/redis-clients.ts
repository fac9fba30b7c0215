import { createClient } from "redis";
import type { Config } from "../config.ts";
import type { BackplaneContext } from "./backplane.ts";
import { open, stamp } from "./envelope.ts";

type Listener = (message: Buffer, channel: Buffer) => void;

/**
 * The two Redis connections of a replica, as every adapter may use them without harm:
 *
 * - the publisher has no offline queue (a queued signal would be replayed up to 10 s late), and its promises never
 *   reject: adapters discard them, and an unhandled rejection ends the process. Nor are they waited for: the sharded
 *   adapter would hold back local delivery until Redis answers. What could not be sent is counted and dropped;
 * - the subscriber keeps its defaults, so that subscriptions survive a reconnect; a listener that throws (a poisoned
 *   payload) is logged and counted and does not make it deaf;
 * - everything carries the time of its sending; what is foreign or was over 1 s in transit is dropped.
 */
export async function connectRedis(config: Config, { log, metrics }: BackplaneContext) {
  const common = {
    url: config.REDIS_URL,
    ...(config.REDIS_PASSWORD === undefined ? {} : { password: config.REDIS_PASSWORD }),
    ...(config.REDIS_USERNAME === undefined ? {} : { username: config.REDIS_USERNAME }),
  };
  const socket = {
    connectTimeout: 2_000,
    reconnectStrategy: (retries: number) => Math.min(50 * 2 ** Math.min(retries, 4), 500) * (0.5 + Math.random() / 2),
  };
  const publisher = createClient({ ...common, socket, disableOfflineQueue: true, commandsQueueMaxLength: 10_000 });
  const subscriber = createClient({ ...common, socket });
  for (const [role, client] of [
    ["publisher", publisher],
    ["subscriber", subscriber],
  ] as const)
    client.on("error", (error: Error) => log.warn({ role, reason: error.message }, "redis connection error"));

  async function send(channel: string, message: Buffer | string): Promise<void> {
    await publisher.publish(channel, stamp(message, Date.now()));
  }

  function drop(reason: string, error?: unknown): void {
    metrics.backplaneDropped.inc({ reason });
    if (error !== undefined) log.debug({ reason, err: error }, "not carried by the backplane");
  }

  const guarded = new WeakMap<Listener, Listener>();
  function guard(listener: Listener): Listener {
    const known = guarded.get(listener);
    if (known !== undefined) return known;
    const guardedListener: Listener = (message, channel) => {
      const opened = open(message, Date.now());
      if (!opened.ok) {
        drop(opened.reason);
        return;
      }
      try {
        listener(opened.payload, channel);
      } catch (error) {
        drop("poisoned", error);
      }
    };
    guarded.set(listener, guardedListener);
    return guardedListener;
  }

  await Promise.all([publisher.connect(), subscriber.connect()]);

  return {
    publisher,
    subscriber,
    /** Rejects when Redis cannot take it now. */
    send,
    guard,
    /** What the adapters are given as their publisher. */
    adapterPublisher: {
      pSubscribe: () => Promise.reject(new Error("the publisher does not subscribe")),
      publish(channel: string, message: Buffer | string): Promise<void> {
        send(channel, message).catch((error: unknown) => drop("unsent", error));
        return Promise.resolve();
      },
      on: (event: string, listener: (...args: unknown[]) => void) => void publisher.on(event, listener),
      off: (event: string, listener: (...args: unknown[]) => void) => void publisher.off(event, listener),
    },
    /** What the adapters are given as their subscriber. */
    adapterSubscriber: {
      subscribe: (channels: string | string[], listener: Listener) =>
        subscriber.subscribe(channels, guard(listener), true),
      unsubscribe: (channels: string | string[], listener: Listener) =>
        subscriber.unsubscribe(channels, guard(listener), true),
      pSubscribe: (patterns: string | string[], listener: Listener) =>
        subscriber.pSubscribe(patterns, guard(listener), true),
      pUnsubscribe: (patterns: string | string[], listener: Listener) =>
        subscriber.pUnsubscribe(patterns, guard(listener), true),
      on: (event: string, listener: (...args: unknown[]) => void) => void subscriber.on(event, listener),
      off: (event: string, listener: (...args: unknown[]) => void) => void subscriber.off(event, listener),
    },
    close(): void {
      publisher.destroy();
      subscriber.destroy();
    },
  };
}
