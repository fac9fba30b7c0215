import type { Config } from "../../config.ts";
import type { Backplane, BackplaneContext } from "../backplane.ts";
import { createCarrier } from "../carrier.ts";
import { createRoomAdapter } from "../sharded.ts";
import { createStreamBackplane } from "../streams/stream-backplane.ts";
import { openJetStream } from "./jetstream-connection.ts";
import { createJetStreamLog } from "./jetstream-log.ts";
import { createJetStreamSessions } from "./jetstream-sessions.ts";
import { createNatsTarget, openNats } from "./nats-connection.ts";

const variables = "NATS_URL, NATS_USERNAME, NATS_PASSWORD";

/**
 * NATS: at most once; a replica receives the messages of the rooms that it has members of.
 *
 * The adapter is that of sharded pub/sub: a cluster adapter with one channel a room, whose channels are subjects here.
 */
export async function createNatsBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  const target = createNatsTarget(config);
  if (config.NATS_RECOVERY === "on") return createRecovering(config, context, target);
  const carrier = createCarrier(context, {
    open: (scope) => openNats(target.next(), scope, context.log),
    variables,
    kind: "shard",
  });
  await carrier.start();
  return { ...carrier.common, adapter: createRoomAdapter(carrier, context) };
}

/** A JetStream stream, with session recovery. */
function createRecovering(
  config: Config,
  context: BackplaneContext,
  target: ReturnType<typeof createNatsTarget>,
): Promise<Backplane> {
  const maxAgeMs = config.RECOVERY_MAX_MS;
  const copies = config.NATS_URL.length < 3 ? 1 : 3;
  const limits = { maxAgeMs, maxBytes: config.STREAM_MAX_BYTES, copies } as const;
  return createStreamBackplane(context, {
    maxAgeMs,
    maxBytes: config.MAX_BUFFERED_BYTES,
    store: createJetStreamLog(),
    sessions: (carrier) => createJetStreamSessions(carrier, maxAgeMs),
    open: (scope) => openJetStream(target.next(), limits, scope, context.log),
    carry: (options) => createCarrier(context, { ...options, variables }),
  });
}
