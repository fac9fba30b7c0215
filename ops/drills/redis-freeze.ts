import { serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption, noneStale } from "./measures.ts";

/** docs/drills.md, redis-freeze. */
export const redisFreeze = defineDrill({
  name: "redis-freeze",
  claim: "A frozen Redis, whose sockets stay open, is noticed within 15 s.",
  engines: ["process", "compose"],
  servers: "single",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  inject: ({ act }) => act("pause", "redis"),
  injected: (context) => serviceIs(context, "redis", "paused"),
  // All replicas must be degraded. The proxy moves no peers, since no replica is better.
  recovered: async ({ replicas }) => (await replicas()).every(({ state }) => state === "degraded"),
  deadlineMs: 15_000,
  alert: { name: "SignalingBackplaneDown", withinMs: 15_000 },
  expect: [
    {
      name: "every replica degraded after",
      unit: "ms",
      bound: { max: 4_000 },
      measure: ({ recoveredMs }) => recoveredMs,
    },
    { name: "sockets lost", unit: "", bound: { max: 0 }, measure: ({ after }) => after.reconnectMs.count },
    noneStale,
    noMediaInterruption,
  ],
  control: { off: "the health probe: once a minute", settings: { proxy: { PROBE_INTERVAL_MS: "60000" } } },
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches: "`isReady` of a client is no proof: a half-open link looks like a healthy one.",
});
