import { createClient } from "redis";
import type { Life } from "./link.ts";
import type { RedisTarget } from "./redis-target.ts";

/** Plain channels, patterns of them, and channels of sharded pub/sub (Redis 7). */
export type ChannelKind = "channel" | "pattern" | "shard";

/** What the backplanes need of a connected Redis, single or cluster; it lives until it is destroyed, once. */
export interface RedisConnection {
  publish(kind: ChannelKind, channel: string, message: Buffer): Promise<unknown>;
  subscribe(kind: ChannelKind, channel: string, listener: (message: Buffer, channel: Buffer) => void): Promise<unknown>;
  unsubscribe(kind: ChannelKind, channel: string): Promise<unknown>;
  /** One command, to each primary of a cluster. */
  command(args: string[]): Promise<unknown[]>;
  destroy(): void;
}

export type RedisClient = ReturnType<typeof connectClient>;

/**
 * Two connections to a single Redis. They never reconnect (the link makes new ones), and the publisher has no offline
 * queue: a queued signal would be replayed late.
 */
export async function openSingle(target: RedisTarget, life: Life) {
  const publisher = connectClient(target, "publisher", life);
  const subscriber = connectClient(target, "subscriber", life);
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const connection: RedisConnection = {
    publish: (kind, channel, message) =>
      kind === "shard" ? publisher.sPublish(channel, message) : publisher.publish(channel, message),
    subscribe(kind, channel, listener) {
      if (kind === "shard") return subscriber.sSubscribe(channel, listener, true);
      if (kind === "pattern") return subscriber.pSubscribe(channel, listener, true);
      return subscriber.subscribe(channel, listener, true);
    },
    unsubscribe(kind, channel) {
      if (kind === "shard") return subscriber.sUnsubscribe(channel);
      if (kind === "pattern") return subscriber.pUnsubscribe(channel);
      return subscriber.unsubscribe(channel);
    },
    command: async (args) => [await publisher.sendCommand(args)],
    destroy() {
      publisher.destroy();
      subscriber.destroy();
    },
  };
  return { ...connection, publisher };
}

/** A client for one life: destroyed when it ends, and ending it when the connection is lost. */
export function connectClient({ urls, username, password }: RedisTarget, role: string, life: Life) {
  const client = createClient({
    url: urls[0] ?? "",
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    socket: { connectTimeout: 2_000, reconnectStrategy: false as const },
    disableOfflineQueue: role === "publisher",
    commandsQueueMaxLength: 50_000,
  });
  // A shard channel of ours was moved to another primary.
  client.on("sharded-channel-moved", (channel: string) => life.abort(new Error(`channel ${channel} moved`)));
  client.on("error", (error: Error) => life.abort(new Error(`${role}: ${error.message || error.name}`)));
  life.signal.addEventListener("abort", () => client.destroy(), { once: true });
  return client;
}
