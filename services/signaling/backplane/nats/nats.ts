import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { Config } from "../../config.ts";
import { createAdapterClient } from "../adapter-client.ts";
import { guardAdapter } from "../adapter-guard.ts";
import type { Backplane, BackplaneContext } from "../backplane.ts";
import { createCarrier } from "../carrier.ts";
import { routeRooms } from "../sharded.ts";
import { createNatsTarget, openNats } from "./nats-connection.ts";

/**
 * NATS: at most once; a replica receives the messages of the rooms that it has members of.
 *
 * The adapter is that of sharded pub/sub: a cluster adapter with one channel a room, whose channels are subjects here.
 */
export async function createNatsBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  const target = createNatsTarget(config);
  const carrier = createCarrier(context, {
    open: (scope) => openNats(target.next(), scope, context.log),
    variables: "NATS_URL, NATS_USERNAME, NATS_PASSWORD",
    kind: "shard",
  });
  const client = createAdapterClient(carrier);
  const build = createShardedAdapter(client, client, { subscriptionMode: "dynamic" });
  await carrier.start();
  return {
    ...carrier.common,
    // Socket.IO calls it with `new`: no arrow function.
    adapter: function adapter(namespace) {
      return guardAdapter(routeRooms(build(namespace)), carrier, context);
    },
  };
}
