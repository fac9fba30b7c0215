import { pause } from "../wait/pause.ts";
import { allJoined, allReady, serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { figureOf, noMediaInterruption, noneStale } from "./measures.ts";

/** docs/drills.md, nats-kill. */
export const natsKill = defineDrill({
  name: "nats-kill",
  claim: "NATS dies for 10 s: no replica dies, calls on one replica go on, and nothing stale arrives later.",
  engines: ["process"],
  redis: "nats",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject(context) {
    await context.act("kill", "nats");
    await pause(10_000, context.signal);
    context.figure("degraded", (await context.replicas()).filter(({ state }) => state === "degraded").length);
    context.figure("still dead", (await serviceIs(context, "nats", "stopped")) ? 1 : 0);
    await context.act("start", "nats");
    const begunAt = Date.now();
    while (!(await allReady(context)) && Date.now() - begunAt < 20_000) await pause(50);
    context.figure("ready ms", Date.now() - begunAt);
  },
  injected: async ({ figures }) => figures["still dead"] === 1,
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 30_000,
  expect: [
    {
      name: "replicas that said degraded",
      unit: "",
      bound: { min: 3 },
      measure: figureOf("degraded"),
    },
    { name: "sockets lost", unit: "", bound: { max: 0 }, measure: ({ after }) => after.reconnectMs.count },
    noneStale,
    {
      name: "same-replica latency p99",
      unit: "ms",
      bound: { max: 250 },
      measure: ({ after }) => (after.latencyMs.local.count > 0 ? after.latencyMs.local.p99 : Number.NaN),
    },
    {
      name: "all ready after NATS is back",
      unit: "ms",
      bound: { max: 3_000 },
      measure: figureOf("ready ms"),
    },
    noMediaInterruption,
  ],
  control: { off: "the health probe: once a minute", settings: { proxy: { PROBE_INTERVAL_MS: "60000" } } },
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches:
    "The promises belong to the replica, not to the bus: with another one under it the same outage looks the same.",
});
