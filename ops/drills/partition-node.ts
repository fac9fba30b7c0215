import { pause } from "../wait/pause.ts";
import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { everyoneBack, figureOf, noMediaInterruption, survivorsKeepSockets } from "./measures.ts";

/** docs/drills.md, partition-node. */
export const partitionNode = defineDrill({
  name: "partition-node",
  claim: "A replica that is cut off from the backplane says so within 3 s, and the proxy moves its peers.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject({ act, node, stateOf, figure }) {
    const begunAt = Date.now();
    await act("partition", node);
    while ((await stateOf(node)) !== "degraded" && Date.now() - begunAt < 10_000) await pause(50);
    figure("degraded ms", Date.now() - begunAt);
  },
  injected: async ({ stateOf, node }) => (await stateOf(node)) === "degraded",
  recovered: (context) => allJoined(context, [context.node]),
  deadlineMs: 30_000,
  expect: [
    {
      name: "degraded after",
      unit: "ms",
      bound: { max: 3_000 },
      measure: figureOf("degraded ms"),
    },
    everyoneBack(12_000),
    noMediaInterruption,
    survivorsKeepSockets,
  ],
  control: { off: "moving sessions off a degraded replica", settings: { proxy: { SHED_AFTER_MS: "600000" } } },
  runbook: "SignalingBackplanePartitioned",
  dashboard: "Backplane",
  teaches: "Packets that vanish raise no error: only a canary that must come back tells.",
});
