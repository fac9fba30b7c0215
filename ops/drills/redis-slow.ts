import { pause } from "../wait/pause.ts";
import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { latencyOverBefore, noMediaInterruption } from "./measures.ts";

/** docs/drills.md, redis-slow. */
export const redisSlow = defineDrill({
  name: "redis-slow",
  claim: "A slow way to Redis slows signals across replicas and leaves those on one replica alone.",
  engines: ["process"],
  calls: { calls: 30 },
  undo: [{ do: "heal" }],
  async inject(context) {
    await context.act("slow", "redis", { latencyMs: 200, jitterMs: 50 });
    await pause(8_000, context.signal);
  },
  injected: async ({ calls }) => (await calls()).latencyMs.remote.p50 > 150,
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: [
    {
      name: "local latency p95 over before",
      unit: "ms",
      bound: { max: 25 },
      measure: (seen) => latencyOverBefore(seen, "local", "p95"),
    },
    // A signal passes two links, one to Redis and one from it, each with at most 250 ms.
    {
      name: "remote latency p95 over before",
      unit: "ms",
      bound: { max: 600 },
      measure: (seen) => latencyOverBefore(seen, "remote", "p95"),
    },
    { name: "remote latency p50", unit: "ms", bound: { min: 300 }, measure: ({ after }) => after.latencyMs.remote.p50 },
    noMediaInterruption,
  ],
  runbook: "SignalingRelaySlow",
  dashboard: "Replicas",
  teaches: "Peers on one replica need no backplane: STICKY_KEY=room puts both there.",
});
