import { allJoined, allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { everyoneBack, noMediaInterruption, survivorsKeepSockets } from "./measures.ts";

/** docs/drills.md, crash-node. */
export const crashNode = defineDrill({
  name: "crash-node",
  claim: "When a replica crashes inside its container, the restart policy brings it back within 15 s.",
  engines: ["compose"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  inject: ({ act, node }) => act("crash", node),
  injected: async ({ stateOf, node }) => (await stateOf(node)) !== "ready",
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 40_000,
  expect: [everyoneBack(15_000), noMediaInterruption, survivorsKeepSockets],
  runbook: "SignalingReplicaDown",
  dashboard: "Drill live",
  teaches: "Dead and crashed are two things: `docker kill` suppresses the restart policy, a crash triggers it.",
});
