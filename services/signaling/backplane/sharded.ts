import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { Adapter } from "socket.io-adapter";
import type { Config } from "../config.ts";
import { requireMethods } from "../intake/guarded.ts";
import { createAdapterClient } from "./adapter-client.ts";
import { guardAdapter } from "./adapter-guard.ts";
import type { Backplane, BackplaneContext } from "./backplane.ts";
import type { Carrier } from "./carrier.ts";
import { createMasterFinder } from "./redis/master.ts";
import { createRedisCarrier } from "./redis/redis-carrier.ts";
import { openSharded, type ShardedConnection } from "./redis/redis-cluster.ts";

/** Hash tags with one slot in each sixteenth of the slots, so that the loss of any primary stops a canary. */
const tags = [18, 3, 61, 58, 19, 2, 60, 59, 102, 1, 63, 49, 103, 0, 62, 48];

/** Redis sharded pub/sub: at most once; a replica receives the messages of the rooms that it has members of. */
export async function createShardedBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  const master = createMasterFinder(config, context.log);
  const channels = tags.map((tag) => `hold-the-line:canary:${context.nodeId}:{${tag}}`);
  const returned = new Map<string, number>();
  const carrier: Carrier<ShardedConnection> = createRedisCarrier(context, {
    confirmed: master.confirmed,
    onMoved: master.onMoved,
    open: async (scope) => openSharded(await master.find(scope), scope),
    kind: "shard",
    // The heartbeat alone would test only one primary.
    lanes: [
      {
        name: "shards",
        async send(payload) {
          returned.clear();
          returned.set(payload, 0);
          if (carrier.reconnector.connection()?.primaries === 1) carrier.canary.receive("shards", payload);
          else await Promise.all(channels.map((channel) => carrier.send("shard", channel, payload)));
        },
      },
    ],
  });
  for (const channel of channels)
    await carrier.subscriptions.add("shard", channel, (message) => {
      const payload = message.toString("latin1");
      const count = (returned.get(payload) ?? 0) + 1;
      returned.set(payload, count);
      if (count === channels.length) carrier.canary.receive("shards", payload);
    });

  await carrier.start();
  return { ...carrier.common, adapter: createRoomAdapter(carrier, context) };
}

/** The adapter with a channel for each room, on any carrier of the kind `shard`. */
export function createRoomAdapter(carrier: Carrier, context: BackplaneContext): Backplane["adapter"] {
  const client = createAdapterClient(carrier);
  const build = createShardedAdapter(client, client, { subscriptionMode: "dynamic" });
  // Socket.IO calls it with `new`: no arrow function.
  return function adapter(namespace) {
    return guardAdapter(routeRooms(build(namespace)), carrier, context);
  };
}

interface ShardedInner {
  computeChannel(message: { type: number; data: { requestId?: string; opts: { rooms: string[] } } }): string;
  dynamicChannel(room: string): string;
}

/**
 * The adapter takes a room whose name has 20 characters for a socket id, and sends its messages to every replica. The
 * rooms' prefix marks them as rooms.
 */
function routeRooms<A extends Adapter>(adapter: A): A {
  const inner = adapter as unknown as ShardedInner;
  requireMethods("the sharded adapter", adapter, ["computeChannel", "dynamicChannel"]);
  const computeChannel = inner.computeChannel.bind(adapter);
  const broadcast = 3;
  inner.computeChannel = (message) => {
    const [room, ...others] = message.type === broadcast ? message.data.opts.rooms : [];
    const single = room !== undefined && others.length === 0 && message.data.requestId === undefined;
    return single && /^[rp]:/.test(room) ? inner.dynamicChannel(room) : computeChannel(message);
  };
  return adapter;
}
