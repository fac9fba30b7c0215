import { redisMaster } from "../redis/failover.ts";
import type { Engine } from "../stack/engine.ts";
import { until } from "../wait/until.ts";
import { allReady } from "./conditions.ts";
import type { Control, DrillContext, Expectation } from "./define-drill.ts";
import { figureOf, noMediaInterruption, noneStale } from "./measures.ts";

/** The replicas must be ready at the next server within this, ms. */
const readyWithinMs = 8_000;
/** What a failover that never comes counts as, ms. */
const givenUpMs = 12_000;

/**
 * Follows a lost master, or a lost primary of a cluster: the replicas are degraded first, and then ready at the next
 * one. The loss begins when `lose` is called. Returns the lost server.
 */
export async function loseMaster(context: DrillContext, lose: (master: string) => Promise<void>): Promise<string> {
  const { engine } = context.stack;
  const master = await redisMaster(engine);
  await lose(master);
  const begunAt = Date.now();
  const since = () => Date.now() - begunAt;
  const within = { withinMs: givenUpMs, everyMs: 50, signal: context.signal };
  const degraded = await until(async () => !(await allReady(context)), within);
  context.figure("degraded", degraded === true ? 1 : 0);
  await until(async () => await allReady(context), { ...within, withinMs: givenUpMs - since() });
  context.figure("ready ms", since());
  return master;
}

/** What the loss of a master, or of a cluster's primary, may cost. @param next the server that takes over, in the report */
export const expectations = (next: string): readonly Expectation[] => [
  { name: "the replicas noticed", unit: "", bound: { min: 1 }, measure: figureOf("degraded") },
  { name: `all ready at ${next}`, unit: "ms", bound: { max: readyWithinMs }, measure: figureOf("ready ms") },
  { name: "sockets lost", unit: "", bound: { max: 0 }, measure: ({ after }) => after.reconnectMs.count },
  noneStale,
  noMediaInterruption,
];

/** Replicas that know the master of now alone, as with `REDIS_URL`. */
export const withoutSentinels: Control = {
  off: "asking the Sentinels",
  settings: {
    replicas: async (engine: Engine) => ({
      REDIS_SENTINELS: "",
      REDIS_URL: `redis://${engine.redisAddress(await redisMaster(engine))}`,
    }),
  },
};

/** Replicas that know the cluster's first primary alone, and do not ask who serves its slots. */
export const oneNodeOnly: Control = {
  off: "following the slots",
  settings: {
    replicas: async (engine: Engine) => ({
      BACKPLANE: "pubsub",
      REDIS_URL: `redis://${engine.redisAddress(await redisMaster(engine))}`,
    }),
  },
};
