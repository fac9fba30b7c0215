import { pause } from "../wait/pause.ts";
import { allReady } from "./conditions.ts";
import type { DrillContext, Expectation } from "./define-drill.ts";
import { figureOf, noMediaInterruption, noneStale } from "./measures.ts";

/** The server stays dead for this long, ms. */
const deadMs = 10_000;
/** What replicas that never get ready count as, ms. */
const givenUpMs = 20_000;

/** Kills the backplane's only server, or all of them, and starts them again after 10 s. */
export async function killServers(context: DrillContext, isServer: (id: string) => boolean): Promise<void> {
  const servers = async () => (await context.stack.engine.services()).filter(({ id }) => isServer(id));
  const ids = (await servers()).map(({ id }) => id);
  for (const id of ids) await context.act("kill", id);
  await pause(deadMs, context.signal);
  context.figure("degraded", (await context.replicas()).filter(({ state }) => state === "degraded").length);
  context.figure("still dead", (await servers()).every(({ state }) => state === "stopped") ? 1 : 0);
  for (const id of ids) await context.act("start", id);
  const begunAt = Date.now();
  while (!(await allReady(context)) && Date.now() - begunAt < givenUpMs) await pause(50);
  context.figure("ready ms", Date.now() - begunAt);
}

/** What a dead server may cost. @param name of the server in the report */
export const expectations = (name: string): readonly Expectation[] => [
  { name: "replicas that said degraded", unit: "", bound: { min: 3 }, measure: figureOf("degraded") },
  { name: "sockets lost", unit: "", bound: { max: 0 }, measure: ({ after }) => after.reconnectMs.count },
  noneStale,
  {
    name: "same-replica latency p99",
    unit: "ms",
    bound: { max: 250 },
    measure: ({ after }) => (after.latencyMs.local.count > 0 ? after.latencyMs.local.p99 : Number.NaN),
  },
  { name: `all ready after ${name} is back`, unit: "ms", bound: { max: 3_000 }, measure: figureOf("ready ms") },
  noMediaInterruption,
];
