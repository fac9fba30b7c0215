import { scale } from "../scale.ts";
import { allJoined, allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { moved, noMediaInterruption } from "./measures.ts";
import { newSessions } from "./new-sessions.ts";

/** docs/drills.md, scale-out. */
export const scaleOut = defineDrill({
  name: "scale-out",
  claim: "A fourth replica takes about a quarter of the new sessions and no live socket.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "scale", replicas: 3 }, { do: "heal" }],
  async inject({ stack, typed }) {
    typed("make scale N=4");
    await scale(stack, 4, () => undefined);
  },
  injected: async ({ stateOf }) => (await stateOf("signaling-4")) === "ready",
  recovered: async (context) => {
    if (!(await allReady(context)) || !(await allJoined(context))) return false;
    const share = await newSessions(context.stack.engine.endpoints.callerAdmin, "signaling-4");
    context.figure("share", share);
    return true;
  },
  deadlineMs: 60_000,
  expect: [
    { name: "live sockets dropped", unit: "", bound: { max: 0 }, measure: moved },
    {
      name: "new sessions on the new replica",
      unit: "%",
      bound: { max: 35 },
      measure: ({ figures }) => figures["share"] ?? Number.NaN,
    },
    {
      name: "new sessions on the new replica, at least",
      unit: "%",
      bound: { min: 10 },
      measure: ({ figures }) => figures["share"] ?? Number.NaN,
    },
    noMediaInterruption,
  ],
  runbook: "SignalingImbalanced",
  dashboard: "Replicas",
  teaches: "Rendezvous hashing moves 1/N of the keys, and a key moves only when its owner connects again.",
});
