import { allJoined, serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { countTunnels, expectations, victim, webSocketsAlone } from "./one-of-two-proxies.ts";

/** docs/drills.md, kill-one-proxy. */
export const killOneProxy = defineDrill({
  name: "kill-one-proxy",
  claim: "One of two proxies is killed: its clients are back within 3 s, the other's lose nothing, media never stops.",
  engines: ["process", "compose", "kubernetes"],
  calls: webSocketsAlone,
  undo: [{ do: "heal" }],
  async inject(context) {
    await countTunnels(context);
    await context.act("kill", victim);
  },
  // On Kubernetes it is started again before its end is seen.
  injected: async (context) =>
    (await serviceIs(context, victim, "stopped")) ||
    (context.stack.engine.name === "kubernetes" &&
      (await context.calls()).peers.some(({ socketsLost }) => socketsLost > 0)),
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: expectations,
  control: {
    off: "the second proxy: the balancer sends it nobody, and clients know the balancer alone",
    settings: { balancer: { FIRST_WEIGHT: "0" } },
    calls: { addresses: 1 },
  },
  runbook: "ProxyDown",
  dashboard: "Proxy",
  teaches: "Two proxies with one secret need no word between them: the session id says where a session is.",
});
