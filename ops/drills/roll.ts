import { roll as rollReplicas } from "../stack/roll.ts";
import { allJoined, allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption, noneLost } from "./measures.ts";

/** docs/drills.md, roll. */
export const roll = defineDrill({
  name: "roll",
  claim: "A deploy is invisible: replicas are replaced one by one, two are always ready, and no signal is lost.",
  engines: ["process", "compose", "kubernetes"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject(context) {
    let fewest = Number.POSITIVE_INFINITY;
    const watching = setInterval(() => {
      context
        .replicas()
        .then((rows) => {
          fewest = Math.min(fewest, rows.filter(({ state }) => state === "ready").length);
          context.figure("fewest ready", fewest);
        })
        .catch((error: Error) => context.typed(`# ${error.message}`));
    }, 250);
    try {
      await rollReplicas(context.stack, (id, typed) => context.typed(`${typed} # ${id}`));
    } finally {
      clearInterval(watching);
    }
  },
  async injected({ calls }) {
    const { reconnectMs, peers } = await calls();
    return reconnectMs.count > 0 || peers.some(({ state }) => state === "reconnecting");
  },
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 30_000,
  expect: [
    {
      name: "fewest replicas ready",
      unit: "",
      bound: { min: 2 },
      measure: ({ figures }) => figures["fewest ready"] ?? 0,
    },
    { name: "calls that failed", unit: "", bound: { max: 0 }, measure: ({ after }) => after.calls.failed },
    noneLost,
    noMediaInterruption,
  ],
  control: { off: "knowing who is away and comes back", settings: { replicas: { AWAY_GRACE_MS: "0" } } },
  appControl: { off: "connecting again after a restart", calls: { rejoin: false } },
  runbook: "SignalingDrainStuck",
  dashboard: "Calls",
  teaches: "Readiness gates a deploy: the next replica goes only when the last one takes sessions again.",
});
