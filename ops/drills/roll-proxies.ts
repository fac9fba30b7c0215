import { rollProxies as rollBoth } from "../stack/roll-proxies.ts";
import { allJoined } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption, noneLost, reconnectP95 } from "./measures.ts";
import { webSocketsAlone } from "./one-of-two-proxies.ts";

/** docs/drills.md, roll-proxies. */
export const rollProxies = defineDrill({
  name: "roll-proxies",
  claim:
    "Both proxies are replaced in turn: each client moves at most twice, is back within 3 s, and no signal or call is lost.",
  engines: ["process", "compose", "kubernetes"],
  // One that changed its address would come back to the balancer later, which is a move too.
  calls: { ...webSocketsAlone, addresses: 1 },
  undo: [{ do: "heal" }],
  async inject(context) {
    await rollBoth(context.stack, (id, typed) => context.typed(`${typed} # ${id}`));
  },
  async injected({ calls }) {
    const { peers } = await calls();
    return peers.some(({ outages }) => outages.length > 0);
  },
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: [
    reconnectP95(3_000),
    {
      name: "most moves of a peer",
      unit: "",
      bound: { max: 2 },
      measure: ({ after }) => Math.max(0, ...after.peers.map(({ outages }) => outages.length)),
    },
    { name: "calls that failed", unit: "", bound: { max: 0 }, measure: ({ after }) => after.calls.failed },
    noneLost,
    noMediaInterruption,
  ],
  control: { off: "joining again after a reconnect", calls: { rejoin: false } },
  runbook: "ProxyDown",
  dashboard: "Proxy",
  teaches: "A drain tells the balancer first, and the clients then; the other order sends them back where they were.",
});
