import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption, noneLost, peakLost, survivorsKeepSockets } from "./measures.ts";

/** docs/drills.md, drain-node. */
export const drainNode = defineDrill({
  name: "drain-node",
  claim: "Planned maintenance ends no call: peers move at a measured pace and no acknowledged signal is lost.",
  engines: ["process", "compose", "kubernetes"],
  calls: { calls: 80, rate: 40 },
  undo: [{ do: "heal" }],
  inject: ({ act, node }) => act("drain", node),
  injected: async ({ stateOf, node }) => (await stateOf(node)) === "draining",
  recovered: (context) => allJoined(context, [context.node]),
  deadlineMs: 30_000,
  expect: [
    noneLost,
    // DRAIN_PER_SECOND is 100, so 25 in 250 ms. A busy machine may close a few more in one window.
    { name: "sockets closed in any 250 ms", unit: "", bound: { max: 35 }, measure: (seen) => peakLost(seen, 250) },
    noMediaInterruption,
    survivorsKeepSockets,
  ],
  control: { off: "the pace of a drain", settings: { replicas: { DRAIN_PER_SECOND: "100000" } } },
  runbook: "SignalingDrainStuck",
  dashboard: "Replicas",
  teaches: "A drain announces, flushes and closes at a pace; the pace is what protects the other replicas.",
});
