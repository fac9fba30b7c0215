import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import {
  noMediaInterruption,
  noneLostAfterRejoin,
  reconnectMax,
  reconnectP95,
  survivorsKeepSockets,
} from "./measures.ts";

/** docs/drills.md, kill-node. */
export const killNode = defineDrill({
  name: "kill-node",
  claim: "When a replica is killed mid-call, both peers are signaling again within 5 s and media never stops.",
  engines: ["process", "compose", "kubernetes"],
  calls: { calls: 30 },
  undo: [{ do: "heal" }],
  inject: ({ act, node }) => act("kill", node),
  injected: async ({ stateOf, node }) => (await stateOf(node)) === "down",
  recovered: (context) => allJoined(context, [context.node]),
  deadlineMs: 20_000,
  // On Kubernetes the replica is back before an alert is due.
  alert: { name: "SignalingReplicaDown", withinMs: 45_000, engines: ["process", "compose"] },
  expect: [reconnectP95(2_500), reconnectMax(5_000), noMediaInterruption, noneLostAfterRejoin, survivorsKeepSockets],
  control: { off: "joining again after a reconnect", calls: { rejoin: false } },
  runbook: "SignalingReplicaDown",
  dashboard: "Drill live",
  teaches: "Signaling and media fail apart: a dead replica costs its peers a reconnect, and the call itself nothing.",
});
