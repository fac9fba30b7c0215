import type { ChannelKind } from "./backplane.ts";
import type { Carrier } from "./carrier.ts";
import type { Listener } from "./subscriptions.ts";

/**
 * What the published adapters take for their Redis client, publisher and subscriber alike.
 *
 * Its promises never reject and resolve at once. The adapters discard most of them, and an unhandled rejection ends the
 * process. They wait for others before the local delivery, which the backplane must not hold up. Subscriptions outlive the
 * connection.
 */
export function createAdapterClient({ fire, subscriptions, reconnector }: Carrier) {
  const each = (channels: string | string[]) => (typeof channels === "string" ? [channels] : channels);
  const listen = (kind: ChannelKind) => (channels: string | string[], listener: Listener) => {
    for (const channel of each(channels)) void subscriptions.add(kind, channel, listener);
    return Promise.resolve();
  };
  const ignore = (kind: ChannelKind) => (channels: string | string[], listener?: Listener) => {
    for (const channel of each(channels)) void subscriptions.remove(kind, channel, listener);
    return Promise.resolve();
  };
  const send = (kind: ChannelKind) => (channel: string, payload: Buffer | string) => {
    fire(kind, channel, payload);
    return Promise.resolve();
  };
  return {
    publish: send("channel"),
    sPublish: send("shard"),
    subscribe: listen("channel"),
    pSubscribe: listen("pattern"),
    sSubscribe: listen("shard"),
    unsubscribe: ignore("channel"),
    pUnsubscribe: ignore("pattern"),
    sUnsubscribe: ignore("shard"),
    /** `PUBSUB NUMSUB` and `SHARDNUMSUB`, by which adapters count servers. */
    async sendCommand(args: string[]): Promise<unknown> {
      const connection = reconnector.connection();
      if (connection === undefined) throw new Error("no connection to the backplane");
      const [, command, channel = ""] = args;
      return [channel, await connection.listeners(command === "SHARDNUMSUB" ? "shard" : "channel", channel)];
    },
    /** The adapters only check for a listener of errors. The reconnector handles errors. */
    on: () => undefined,
    off: () => undefined,
  };
}
