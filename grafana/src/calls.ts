import { buildDashboard } from "./dashboard.ts";
import { noneExpected, thresholds } from "./design.ts";
import { heat, lines } from "./panels.ts";
import {
  budgetLeft,
  firingAlertBands,
  mediaInterruptions,
  objective,
  replicaStateBands,
  setupSuccess,
  signalsLost,
} from "./shared-panels.ts";

/** The calls dashboard: the SLO, set-ups, existing calls, and possible causes. */
export const calls = () =>
  buildDashboard({
    uid: "htl-calls",
    title: "Calls",
    description: "Do calls work, measured by synthetic calls: the objective, set-ups, signals, reconnects, media.",
    sections: [
      {
        title: "Objective: 99.5 % of call set-ups succeed",
        panels: [
          setupSuccess(6),
          budgetLeft(6),
          signalsLost(6),
          mediaInterruptions(6),
          lines({
            title: "Burn rate",
            description:
              "How many times too fast the error budget burns, by window: 1 uses it up exactly. SignalingCallSetupBudgetBurn fires when both fast windows are above 14.4, or both slow ones above 6.",
            queries: [
              [
                `stack:caller_call_setup_errors:ratio / ${(1 - objective).toFixed(3)}`,
                "{{burn}} {{window}} ({{range}})",
              ],
            ],
            limits: thresholds(6, 14.4),
            width: 12,
          }),
          lines({
            title: "Set-ups by result",
            description: "Call set-ups that ended, per second. The probe places one every two seconds by itself.",
            queries: [["sum by (result) (rate(caller_call_setups_total[$__rate_interval]))", "{{result}}"]],
            unit: "reqps",
            stacked: true,
            width: 12,
          }),
        ],
      },
      {
        title: "Set-up and signals",
        panels: [
          lines({
            title: "Set-up time",
            description:
              "From a call's first connect to its answer (and to its media, if it has media). Tens of milliseconds are normal; people notice a second.",
            queries: quantiles("caller_call_setup_seconds_bucket"),
            unit: "s",
            limits: thresholds(1, 2.5),
            width: 8,
          }),
          lines({
            title: "Signal latency, p95",
            description:
              "One way, from emit to reception. local: both peers are on one replica. If only remote is slow, look at the backplane; if both are slow, at a replica or the proxy.",
            queries: [["scope:caller_signal_latency_seconds:p95_1m", "{{scope}}"]],
            unit: "s",
            limits: thresholds(0.1, 1),
            width: 8,
          }),
          lines({
            title: "Signals",
            description: "Numbered signals per second: sent, received, and lost. Received follows sent; lost stays 0.",
            queries: [
              ["sum(rate(caller_signals_sent_total[$__rate_interval]))", "sent"],
              ["sum(rate(caller_signals_received_total[$__rate_interval]))", "received"],
              ["sum(rate(caller_signals_lost_total[$__rate_interval])) or vector(0)", "lost"],
            ],
            unit: "cps",
            width: 8,
          }),
        ],
      },
      {
        title: "When something breaks",
        panels: [
          lines({
            title: "Calls by state",
            description:
              "Synthetic calls by state: setting up, connected, reconnecting. A kill shows as a short hump of reconnecting calls.",
            queries: [["sum by (state) (caller_calls)", "{{state}}"]],
            stacked: true,
            width: 8,
          }),
          heat({
            title: "Reconnect times",
            description:
              "From the loss of a peer's socket to its next join. Aim: all below 2.5 s. Above 5 s is a failure.",
            queries: [["sum by (le) (increase(caller_reconnect_seconds_bucket[$__rate_interval]))", "{{le}}"]],
            width: 8,
          }),
          lines({
            title: "Media interruptions",
            description: "Gaps of over 1 s in media, per minute. Signaling may break; this must stay 0.",
            queries: [
              ["60 * (sum(rate(caller_media_interruptions_total[$__rate_interval])) or vector(0))", "interruptions"],
            ],
            limits: noneExpected(),
            width: 8,
          }),
        ],
      },
      { title: "Possible causes", panels: [replicaStateBands(12), firingAlertBands(12)] },
    ],
  });

/** p50 and p95 of a histogram's buckets. */
export function quantiles(buckets: string): [string, string][] {
  return [0.5, 0.95].map((share) => [
    `histogram_quantile(${share}, sum by (le) (rate(${buckets}[$__rate_interval])))`,
    `p${share * 100}`,
  ]);
}
