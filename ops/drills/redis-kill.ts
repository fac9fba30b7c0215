import { isRedis } from "../redis/ids.ts";
import { allJoined, allReady } from "./conditions.ts";
import { expectations, killServers } from "./dead-server.ts";
import { defineDrill } from "./define-drill.ts";

/** docs/drills.md, redis-kill. */
export const redisKill = defineDrill({
  name: "redis-kill",
  claim: "Redis dies for 10 s: no replica dies, calls on one replica go on, and nothing stale arrives later.",
  engines: ["process", "compose"],
  servers: "single",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  inject: (context) => killServers(context, isRedis),
  injected: async ({ figures }) => figures["still dead"] === 1,
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 30_000,
  expect: expectations("Redis"),
  control: { off: "the health probe: once a minute", settings: { proxy: { PROBE_INTERVAL_MS: "60000" } } },
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches: "Stale SDP is worse than none: refuse at once, deliver locally, and replay nothing.",
});
