import { createAdapter } from "@socket.io/redis-adapter";
import type { Config } from "../config.ts";
import type { Backplane, BackplaneContext } from "./backplane.ts";
import { createCanary } from "./canary.ts";
import { connectRedis } from "./redis-clients.ts";

const canaryChannel = "hold-the-line:canary";

/** Redis pub/sub: at most once; every replica receives every room's messages. */
export async function createPubSubBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  const redis = await connectRedis(config, context);
  const canary = createCanary(context, (payload) => redis.send(canaryChannel, payload));

  async function subscribe(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
    const guarded = redis.guard((message) => listener(message.toString("utf8")));
    await redis.subscriber.subscribe(channel, guarded, true);
    return () => redis.subscriber.unsubscribe(channel, guarded, true);
  }

  await subscribe(canaryChannel, canary.receive);
  return {
    adapter: createAdapter(redis.adapterPublisher, redis.adapterSubscriber),
    publish: redis.send,
    subscribe,
    up: canary.up,
    onChange: canary.onChange,
    onHeartbeat: canary.onHeartbeat,
    async close() {
      canary.close();
      redis.close();
    },
  };
}
