import { openPublisher } from "./publisher.ts";
import type { ConnectionScope } from "./reconnector.ts";
import type { RedisClient, RedisTarget } from "./redis-target.ts";

/** Plain channels, patterns of them, and channels of sharded pub/sub (Redis 7). */
export type ChannelKind = "channel" | "pattern" | "shard";

/** A connected Redis, single or cluster, for the backplanes. It works until it is destroyed. */
export interface RedisConnection {
  /** Publishes; returns a promise if Redis answers. Throws or rejects if it is known not to be sent. */
  publish(kind: ChannelKind, channel: string, message: Buffer): Promise<unknown> | undefined;
  subscribe(kind: ChannelKind, channel: string, listener: (message: Buffer, channel: Buffer) => void): Promise<unknown>;
  unsubscribe(kind: ChannelKind, channel: string): Promise<unknown>;
  /** One command, to each primary of a cluster. */
  command(args: string[]): Promise<unknown[]>;
  destroy(): void;
}

/**
 * Connections to a single Redis: one for commands, one for publishing, one for subscriptions. They never reconnect; the
 * reconnector makes new ones.
 */
export async function openSingle(target: RedisTarget, scope: ConnectionScope) {
  const [connection, quiet] = await Promise.all([openAnswering(target, scope), openPublisher(target, scope)]);
  return {
    ...connection,
    publish(kind: ChannelKind, channel: string, message: Buffer): undefined {
      quiet.publish(kind, channel, message);
    },
  };
}

/**
 * Like `openSingle`, but Redis answers each publish, because a cluster's primary must report a moved channel.
 */
export async function openAnswering(target: RedisTarget, scope: ConnectionScope) {
  const publisher = connectClient(target, "publisher", scope);
  const subscriber = connectClient(target, "subscriber", scope);
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const connection: RedisConnection = {
    publish: (kind, channel, message) =>
      publisher.sendCommand([kind === "shard" ? "SPUBLISH" : "PUBLISH", channel, message]),
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

/** A client for one scope. The end of the scope destroys it, and the loss of its connection ends the scope. */
export function connectClient(target: RedisTarget, role: string, scope: ConnectionScope): RedisClient {
  // The listener below does not get an earlier abort.
  scope.signal.throwIfAborted();
  const client = target.createClient(target.urls[0] ?? "");
  // A subscribed shard channel was moved to another primary.
  client.on("sharded-channel-moved", (channel: string) => scope.abort(new Error(`channel ${channel} moved`)));
  client.on("error", (error: Error) => scope.abort(new Error(`${role}: ${error.message || error.name}`)));
  scope.signal.addEventListener("abort", () => client.destroy(), { once: true });
  return client;
}
