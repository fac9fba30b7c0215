import type { Config } from "../../config.ts";
import type { Backplane, BackplaneContext } from "../backplane.ts";
import { createMasterFinder } from "../redis/master.ts";
import { createRedisCarrier } from "../redis/redis-carrier.ts";
import { createRedisStream, openStreams } from "./redis-stream.ts";
import { createRedisSessions } from "./session-store.ts";
import { createStreamBackplane } from "./stream-backplane.ts";

/** A Redis stream, with session recovery. */
export function createStreamsBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  const master = createMasterFinder(config, context.log);
  const maxAgeMs = config.RECOVERY_MAX_MS;
  return createStreamBackplane(context, {
    maxAgeMs,
    maxBytes: config.MAX_BUFFERED_BYTES,
    store: createRedisStream({ retainMs: maxAgeMs, maxBytes: config.STREAM_MAX_BYTES, log: context.log }),
    sessions: (carrier) => createRedisSessions(carrier, maxAgeMs),
    open: async (scope) => openStreams(await master.find(scope), scope),
    carry: (options) =>
      createRedisCarrier(context, { ...options, confirmed: master.confirmed, onMoved: master.onMoved }),
  });
}
