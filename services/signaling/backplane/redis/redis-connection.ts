import type { BackplaneConnection, ChannelKind } from "../backplane.ts";
import type { ConnectionScope } from "../reconnector.ts";
import { openPublisher } from "./publisher.ts";
import type { RedisClient, RedisTarget } from "./redis-target.ts";

/** A connected Redis, single or cluster. */
export interface RedisConnection extends BackplaneConnection {
  /** One command, to each primary of a cluster. */
  command(args: string[]): Promise<unknown[]>;
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
    listeners: (kind, channel) => countListeners(connection.command, kind, channel),
    command: async (args) => [await publisher.sendCommand(args)],
    destroy() {
      publisher.destroy();
      subscriber.destroy();
    },
  };
  return { ...connection, publisher };
}

/** `PUBSUB NUMSUB` or `SHARDNUMSUB`, over all primaries: a shard channel is on one of them. */
export async function countListeners(
  command: RedisConnection["command"],
  kind: ChannelKind,
  channel: string,
): Promise<number> {
  const replies = await command(["PUBSUB", kind === "shard" ? "SHARDNUMSUB" : "NUMSUB", channel]);
  return (replies as [string, number | string][]).reduce((sum, [, count]) => sum + Number(count), 0);
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
