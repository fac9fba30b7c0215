import { scale } from "../stack/scale.ts";
import { allJoined, allReady } from "./conditions.ts";
import { type DrillContext, defineDrill } from "./define-drill.ts";
import { figureOf, moved, noMediaInterruption } from "./measures.ts";
import { freshKeys, placement } from "./placement.ts";

/** The fourth replica. Kubernetes numbers its pods from 0. */
const fourth = ({ engine }: DrillContext["stack"]) => (engine.name === "kubernetes" ? "signaling-3" : "signaling-4");

/** docs/drills.md, scale-out. */
export const scaleOut = defineDrill({
  name: "scale-out",
  claim:
    "A fourth replica takes about a quarter of the keys, all others stay where they were, and no live socket moves.",
  engines: ["process", "compose", "kubernetes"],
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
    figure("shuffled", movedTo.filter((replica) => replica !== fourth(stack)).length);
  },
  injected: async ({ stack, stateOf }) => (await stateOf(fourth(stack))) === "ready",
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
