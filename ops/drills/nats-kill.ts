import { isNats } from "../nats/ids.ts";
import { allJoined, allReady } from "./conditions.ts";
import { expectations, killServers } from "./dead-server.ts";
import { defineDrill } from "./define-drill.ts";

/** docs/drills.md, nats-kill. */
export const natsKill = defineDrill({
  name: "nats-kill",
  claim: "NATS dies for 10 s: no replica dies, calls on one replica go on, and nothing stale arrives later.",
  engines: ["process", "compose"],
  servers: "nats",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  inject: (context) => killServers(context, isNats),
  injected: async ({ figures }) => figures["still dead"] === 1,
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 30_000,
  expect: expectations("NATS"),
  control: { off: "the health probe: once a minute", settings: { proxy: { PROBE_INTERVAL_MS: "60000" } } },
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches:
    "The promises belong to the replica, not to the bus: with another one under it the same outage looks the same.",
});
