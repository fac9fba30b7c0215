import { allJoined, allReady, serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { expectations, loseMaster, oneNodeOnly } from "./lost-master.ts";

/** docs/drills.md, shard-loss. */
export const shardLoss = defineDrill({
  name: "shard-loss",
  claim:
    "A primary of the Redis Cluster is killed: the replicas are ready at its copy within 8 s, and no channel is deaf.",
  engines: ["process", "compose"],
  servers: "cluster",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject(context) {
    const lost = await loseMaster(context, (primary) => context.act("kill", primary));
    context.figure("ready at", Date.now());
    context.figure("still dead", (await serviceIs(context, lost, "stopped")) ? 1 : 0);
  },
  injected: async ({ figures }) => figures["still dead"] === 1,
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 10_000,
  expect: [
    ...expectations("the copy"),
    {
      name: "acknowledged signals lost once all are ready",
      needs: "signals",
      unit: "",
      bound: { max: 0 },
      measure: ({ after, figures }) =>
        after.latencyMs.remote.count === 0
          ? Number.NaN
          : after.timeline
              .filter(({ at }) => at >= (figures["ready at"] ?? Number.NaN))
              .reduce((sum, { lost }) => sum + lost, 0),
    },
  ],
  control: oneNodeOnly,
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches: "A cluster loses a part and not the whole, but a replica is ready only if every part carries its messages.",
});
