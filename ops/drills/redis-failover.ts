import { allJoined, allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { expectations, loseMaster, withoutSentinels } from "./lost-master.ts";

/** docs/drills.md, redis-failover. */
export const redisFailover = defineDrill({
  name: "redis-failover",
  claim: "The Redis master is killed: the replicas are ready at the next one within 8 s, and nothing stale arrives.",
  engines: ["process", "compose"],
  servers: "sentinel",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  inject: async (context) => void (await loseMaster(context, (master) => context.act("kill", master))),
  injected: async ({ stack }) =>
    (await stack.engine.services()).some(({ id, state }) => id.startsWith("redis") && state === "stopped"),
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 15_000,
  expect: expectations("the next master"),
  control: withoutSentinels,
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches: "A failover has two halves: the servers choose a master, and every client must follow them.",
});
