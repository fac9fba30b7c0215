import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { everyoneBack, noMediaInterruption, noneLostAfterRejoin } from "./measures.ts";

/** docs/drills.md, double-kill. */
export const doubleKill = defineDrill({
  name: "double-kill",
  claim: "Two of three replicas are killed and the survivor carries every call within 8 s.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject({ act, node, others: [second] }) {
    await act("kill", node);
    if (second !== undefined) await act("kill", second);
  },
  injected: async ({ replicas }) => (await replicas()).filter(({ state }) => state === "down").length === 2,
  recovered: (context) => allJoined(context, [context.node, ...context.others.slice(0, 1)]),
  deadlineMs: 30_000,
  alert: { name: "SignalingBelowQuorum", withinMs: 45_000 },
  expect: [everyoneBack(8_000), noMediaInterruption, noneLostAfterRejoin],
  control: { off: "joining again after a reconnect", calls: { rejoin: false } },
  runbook: "SignalingBelowQuorum",
  dashboard: "Drill live",
  teaches: "Capacity is what is left when two are gone: size for it.",
});
