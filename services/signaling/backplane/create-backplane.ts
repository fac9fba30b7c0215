import type { Config } from "../config.ts";
import type { Backplane, BackplaneContext } from "./backplane.ts";
import { backplaneKey, createEnvelope } from "./envelope.ts";
import { createPubSubBackplane } from "./pubsub.ts";
import { createShardedBackplane } from "./sharded.ts";
import { createStreamsBackplane } from "./streams/streams.ts";

/**
 * The backplane that `BACKPLANE` names. Resolves when it carries messages, or after 5 s without it. A replica that
 * starts without its backplane serves its own peers and reports that it is degraded.
 */
export async function createBackplane(config: Config, replica: Omit<BackplaneContext, "envelope">): Promise<Backplane> {
  if (config.BACKPLANE_SECRET === undefined && config.RESUME_SECRET === undefined)
    replica.log.warn("BACKPLANE_SECRET and RESUME_SECRET are unset: anyone who can publish can speak for a replica");
  const context = { ...replica, envelope: createEnvelope(backplaneKey(config)) };
  if (config.BACKPLANE === "sharded") return createShardedBackplane(config, context);
  if (config.BACKPLANE === "streams") return createStreamsBackplane(config, context);
  // Its packages load for those who use it alone.
  if (config.BACKPLANE === "nats") return (await import("./nats/nats.ts")).createNatsBackplane(config, context);
  return createPubSubBackplane(config, context);
}
