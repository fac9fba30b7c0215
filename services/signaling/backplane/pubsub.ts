import { createAdapter } from "@socket.io/redis-adapter";
import type { Config } from "../config.ts";
import { createAdapterClient } from "./adapter-client.ts";
import { guardAdapter } from "./adapter-guard.ts";
import type { Backplane, BackplaneContext } from "./backplane.ts";
import { createMasterFinder } from "./redis/master.ts";
import { createRedisCarrier } from "./redis/redis-carrier.ts";
import { openSingle } from "./redis/redis-connection.ts";

/** Redis pub/sub: at most once; every replica receives every room's messages. */
export async function createPubSubBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  const master = createMasterFinder(config, context.log);
  const carrier = createRedisCarrier(context, {
    confirmed: master.confirmed,
    onMoved: master.onMoved,
    open: async (scope) => openSingle(await master.find(scope), scope),
    kind: "channel",
  });
  const client = createAdapterClient(carrier);
  const build = createAdapter(client, client);
  await carrier.start();
  return {
    ...carrier.common,
    // Socket.IO calls it with `new`: no arrow function.
    adapter: function adapter(namespace) {
      return guardAdapter(build(namespace), carrier, context);
    },
  };
}
