import { allJoined, serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { countTunnels, expectations, victim, webSocketsAlone } from "./one-of-two-proxies.ts";

/** docs/drills.md, freeze-one-proxy. */
export const freezeOneProxy = defineDrill({
  name: "freeze-one-proxy",
  claim: "One of two proxies freezes: the balancer cuts its connections, and its clients are back within 3 s of that.",
  engines: ["process", "compose"],
  calls: webSocketsAlone,
  undo: [{ do: "heal" }],
  async inject(context) {
    await countTunnels(context);
    await context.act("pause", victim);
  },
  injected: (context) => serviceIs(context, victim, "paused"),
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: [
    ...expectations,
    {
      name: "from the freeze to the last peer back",
      unit: "ms",
      bound: { max: 6_000 },
      measure: ({ after, injectedAt }) =>
        Math.max(
          ...after.peers.flatMap(({ outages }) => outages.map(({ backAt }) => (backAt ?? Number.NaN) - injectedAt)),
        ),
    },
  ],
  control: {
    off: "the balancer's checks: once a minute",
    settings: { balancer: { CHECK_INTERVAL: "60s" } },
  },
  runbook: "ProxyDown",
  dashboard: "Proxy",
  teaches: "A frozen proxy keeps its sockets open: only a check that must be answered finds it out.",
});
