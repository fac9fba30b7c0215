import { listenersOf } from "../redis/failover.ts";
import { pause } from "../wait/pause.ts";
import { allJoined, allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { expectations, loseMaster, withoutSentinels } from "./lost-master.ts";
import { figureOf } from "./measures.ts";

/** An old master takes itself for the master for up to ten seconds after its return, ms. */
const watchedMs = 12_000;

/** docs/drills.md, redis-freeze-master. */
export const redisFreezeMaster = defineDrill({
  name: "redis-freeze-master",
  claim: "The Redis master freezes and comes back as a master: replicas go on at the next one, and none returns to it.",
  engines: ["process", "compose"],
  servers: "sentinel",
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  async inject(context) {
    const { engine } = context.stack;
    const old = await loseMaster(context, (master) => context.act("pause", master));
    context.figure(
      "frozen",
      (await engine.services()).some(({ id, state }) => id === old && state === "paused") ? 1 : 0,
    );
    await context.act("resume", old);
    const backAt = Date.now();
    let heldMs = 0;
    while (Date.now() - backAt < watchedMs && !context.signal.aborted) {
      if ((await listenersOf(engine, old)) > 0) heldMs = Date.now() - backAt;
      await pause(100, context.signal);
    }
    context.figure("held ms", heldMs);
  },
  injected: async ({ figures }) => figures["frozen"] === 1,
  recovered: async (context) => (await allReady(context)) && (await allJoined(context)),
  deadlineMs: 15_000,
  expect: [
    ...expectations("the next master"),
    { name: "the old master held a replica for", unit: "ms", bound: { max: 3_000 }, measure: figureOf("held ms") },
  ],
  control: withoutSentinels,
  runbook: "SignalingBackplaneDown",
  dashboard: "Backplane",
  teaches: "A server that comes back still believes that it is the master: ask the others, not the server.",
});
