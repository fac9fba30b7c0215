import { scale } from "../stack/scale.ts";
import { allJoined, allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { figureOf, moved, noMediaInterruption } from "./measures.ts";
import { freshKeys, placement } from "./placement.ts";

const added = "signaling-4";

/** docs/drills.md, scale-out. */
export const scaleOut = defineDrill({
  name: "scale-out",
  claim:
    "A fourth replica takes about a quarter of the keys, all others stay where they were, and no live socket moves.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "scale", replicas: 3 }, { do: "heal" }],
  async inject({ stack, typed, figure }) {
    const { proxy } = stack.engine.endpoints;
    const keys = freshKeys(200);
    const before = await placement(proxy, keys);
    typed("make scale N=4");
    await scale(stack, 4, () => undefined);
    const after = await placement(proxy, keys);
    const movedTo = after.filter((replica, index) => replica !== before[index]);
    figure("moved", (100 * movedTo.length) / keys.length);
    figure("shuffled", movedTo.filter((replica) => replica !== added).length);
  },
  injected: async ({ stateOf }) => (await stateOf(added)) === "ready",
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 60_000,
  expect: [
    { name: "live sockets dropped", unit: "", bound: { max: 0 }, measure: moved },
    { name: "keys moved", unit: "%", bound: { max: 35 }, measure: figureOf("moved") },
    {
      name: "keys moved, at least",
      unit: "%",
      bound: { min: 12 },
      measure: figureOf("moved"),
    },
    {
      name: "keys moved between the others",
      unit: "",
      bound: { max: 0 },
      measure: figureOf("shuffled"),
    },
    noMediaInterruption,
  ],
  control: {
    off: "the keyed hash: every new session goes anywhere",
    settings: { proxy: { STICKY_KEY: "random" } },
    calls: { mix: { default: 0, websocket: 1, polling: 0, cookieless: 0.25 } },
  },
  runbook: "SignalingImbalanced",
  dashboard: "Replicas",
  teaches: "Rendezvous hashing moves 1/N of the keys, and a key moves only when its owner connects again.",
});
