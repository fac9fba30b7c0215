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

/** Is it healthy, and if not, where: one screen, what peers feel above what may cause it. */
export const home = () =>
  buildDashboard({
    uid: "htl-home",
    title: "Home",
    description: "Is it healthy, and if not, where? Top row: what peers feel. Second row: which part it comes from.",
    sections: [
      {
        title: "Is it healthy? What peers feel",
        panels: [
          setupSuccess(5),
          budgetLeft(4),
          figure({
            title: "Calls that stand",
            description:
              "Synthetic calls that are connected now. The caller holds a few for ever: fewer than it was asked to hold (CALLS) means that they cannot connect; none means that nobody measures.",
            queries: [['sum(caller_calls{state="connected"})', "calls"]],
            decimals: 0,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          signalsLost(4),
          mediaInterruptions(4),
          figure({
            title: "Alerts firing",
            description: "How many alerts fire now, of all severities; which ones is below.",
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
              "Share of the replicas that take calls (ready or degraded). One missing is noticed by nobody; half is the limit. Next: dashboard Replicas.",
            queries: [["stack:signaling_replicas_serving:count / stack:signaling_replicas:count", "serving"]],
            unit: "percentunit",
            decimals: 0,
            limits: thresholds(0.99, 0.51),
            width: 4,
          }),
          figure({
            title: "Backplane heard",
            description:
              "Share of the replicas whose canary comes back through the backplane. All missing: Redis; one missing: its network. Next: dashboard Backplane.",
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
            description: "Whether the caller runs: without it nobody measures calls, and everything above is blind.",
            queries: [['min(up{job="caller"})', "caller"]],
            names: upDown,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          figure({
            title: "Alerting",
            description: "Whether Alertmanager answers: without it alerts fire and reach nobody.",
            queries: [['min(up{job="alertmanager"})', "alertmanager"]],
            names: upDown,
            limits: noneExpectedBelow(1),
            width: 4,
          }),
          replicaStateBands(12),
          firingAlertBands(12),
          bands({
            title: "Scraped",
            description: "Whether each program answers Prometheus. A frozen program is down here, as a killed one is.",
            queries: [["min by (instance) (up)", "{{instance}}"]],
            names: upDown,
            width: 12,
            height: 7,
          }),
          text({
            title: "Where to look",
            description: "Which dashboard answers which question.",
            markdown: [
              "- **Calls**: do calls work, how much of the error budget is left",
              "- **Drill live**: what an injected fault does, second by second",
              "- **Proxy**: who is routed where, what is refused",
              "- **Replicas**: which replica is slow, full or drained",
              "- **Backplane**: do replicas hear each other, is Redis well",
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
