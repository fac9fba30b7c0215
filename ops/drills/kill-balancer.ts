import { allJoined, serviceIs } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption, reconnectP95 } from "./measures.ts";
import { webSocketsAlone } from "./one-of-two-proxies.ts";

/** docs/drills.md, kill-balancer. */
export const killBalancer = defineDrill({
  name: "kill-balancer",
  claim:
    "The balancer is killed: clients that know a second address are back through it within 3 s; media never stops.",
  engines: ["process", "compose"],
  calls: webSocketsAlone,
  undo: [{ do: "heal" }],
  inject: ({ act }) => act("kill", "balancer"),
  injected: (context) => serviceIs(context, "balancer", "stopped"),
  recovered: (context) => allJoined(context),
  deadlineMs: 20_000,
  expect: [reconnectP95(3_000), noMediaInterruption],
  control: { off: "the clients' second address", calls: { addresses: 1 } },
  runbook: "BalancerDown",
  dashboard: "Proxy",
  teaches: "What stands in front is one part again, unless the client itself knows where else to go.",
});
