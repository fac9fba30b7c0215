import { allJoined, serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { everyoneBack, lastLostMs, noMediaInterruption, survivorsKeepSockets } from "./measures.ts";

/** docs/drills.md, freeze-node. */
export const freezeNode = defineDrill({
  name: "freeze-node",
  claim: "The proxy ejects a frozen replica and cuts its tunnels long before the 45 s ping limit.",
  engines: ["process", "compose"],
  calls: { calls: 20 },
  undo: [{ do: "heal" }],
  inject: ({ act, node }) => act("pause", node),
  injected: (context) => serviceIs(context, context.node, "paused"),
  recovered: (context) => allJoined(context, [context.node]),
  deadlineMs: 20_000,
  expect: [
    { name: "last tunnel cut after", unit: "ms", bound: { max: 2_000 }, measure: lastLostMs },
    everyoneBack(5_000),
    noMediaInterruption,
    survivorsKeepSockets,
  ],
  control: { off: "the health probe: once a minute", settings: { proxy: { PROBE_INTERVAL_MS: "60000" } } },
  runbook: "ProxyEjections",
  dashboard: "Proxy",
  teaches: "An open socket is no sign of life: a health check that must be answered finds what TCP does not.",
});
