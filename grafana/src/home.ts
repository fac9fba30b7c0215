import { buildDashboard } from "./dashboard.ts";
import { noneExpected, thresholds, upDown } from "./design.ts";
import { bands, figure, text } from "./panels.ts";
import {
  budgetLeft,
  firingAlertBands,
  mediaInterruptions,
  replicaStateBands,
  setupSuccess,
  signalsLost,
} from "./shared-panels.ts";

/** The home dashboard: is the stack healthy? The effects on peers are above the possible causes. */
export const home = () =>
  buildDashboard({
    uid: "htl-home",
    title: "Home",
    description: "Is the stack healthy, and if not, which part? Top row: effects on peers. Second row: the parts.",
    sections: [
      {
        title: "Is it healthy? Effects on peers",
        panels: [
          setupSuccess(5),
          budgetLeft(4),
          figure({
            title: "Connected calls",
            description:
              "Connected synthetic calls. The caller holds CALLS of them permanently. Fewer means that they cannot connect; none means that nothing is measured.",
            queries: [['sum(caller_calls{state="connected"})', "calls"]],
            decimals: 0,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          signalsLost(4),
          mediaInterruptions(4),
          figure({
            title: "Alerts firing",
            description: "Number of firing alerts, of all severities. They are listed below.",
            queries: [['count(ALERTS{alertstate="firing"}) or vector(0)', "alerts"]],
            decimals: 0,
            limits: noneExpected(),
            width: 3,
          }),
        ],
      },
      {
        title: "And if not, where?",
        panels: [
          figure({
            title: "Proxy",
            description: "Whether the proxy answers. Down: no peer can signal, media goes on. Next: dashboard Proxy.",
            queries: [['min(up{job="proxy"})', "proxy"]],
            names: upDown,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          figure({
            title: "Replicas that serve",
            description:
              "Share of the replicas that take calls (ready or degraded). Peers do not notice one missing; half is the limit. Next: dashboard Replicas.",
            queries: [["stack:signaling_replicas_serving:count / stack:signaling_replicas:count", "serving"]],
            unit: "percentunit",
            decimals: 0,
            limits: thresholds(0.99, 0.51),
            width: 4,
          }),
          figure({
            title: "Backplane heard",
            description:
              "Share of the replicas whose canary comes back through the backplane. All missing: Redis is the cause. One missing: its network is. Next: dashboard Backplane.",
            queries: [["avg(signaling_backplane_up)", "heard"]],
            unit: "percentunit",
            decimals: 0,
            limits: thresholds(0.99, 0.01),
            width: 4,
          }),
          figure({
            title: "Redis",
            description: "Whether Redis answers its exporter.",
            queries: [["min(redis_up)", "redis"]],
            names: upDown,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          figure({
            title: "Probe",
            description:
              "Whether the caller runs. Without it no calls are measured, and the panels above show nothing.",
            queries: [['min(up{job="caller"})', "caller"]],
            names: upDown,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          figure({
            title: "Alerting",
            description: "Whether Alertmanager answers. Without it alerts fire and are not delivered.",
            queries: [['min(up{job="alertmanager"})', "alertmanager"]],
            names: upDown,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          replicaStateBands(12),
          firingAlertBands(12),
          bands({
            title: "Scraped",
            description: "Whether each program answers Prometheus. Frozen and killed programs are down here.",
            queries: [["min by (instance) (up)", "{{instance}}"]],
            names: upDown,
            width: 12,
            height: 7,
          }),
          text({
            title: "Where to look",
            description: "The question of each dashboard.",
            markdown: [
              "- **Calls**: do calls work, and how much of the error budget is left",
              "- **Drill live**: the effects of an injected fault, second by second",
              "- **Proxy**: routing decisions and refusals",
              "- **Replicas**: which replica is slow, full or drained",
              "- **Backplane**: do replicas hear each other, is Redis healthy",
              "- **Runbooks**: what to do about an alert",
            ].join("\n"),
            width: 12,
            height: 7,
          }),
        ],
      },
    ],
  });

/** Red below `wanted`, green from there on. */
function noneExpectedBelow(wanted: number) {
  return thresholds(wanted, wanted - 0.001);
}
