import { buildDashboard } from "./dashboard.ts";
import { colors, noneExpected, thresholds, valueNames } from "./design.ts";
import { bands, heat, lines } from "./panels.ts";
import { firingAlertBands, replicaStateBands } from "./shared-panels.ts";

/** The drill dashboard: the effects of an injected fault, second by second. */
export const drillLive = () =>
  buildDashboard({
    uid: "htl-drill",
    title: "Drill live",
    description:
      "The screen for a drill: the injected fault, the serving replicas, the moves of the peers, the losses.",
    from: "now-5m",
    byReplica: true,
    sections: [
      {
        title: "Injected faults",
        panels: [
          bands({
            title: "Injected",
            description: "Chaos actions and drills in force, as the ops CLI marks them. Grey: no fault is in force.",
            queries: [
              [
                'max by (action, target) (chaos_action_active == 1) or label_replace(vector(0), "action", "no action", "", "") unless on () chaos_action_active == 1',
                "{{action}} {{target}}",
              ],
              [
                'max by (drill) (chaos_drill_active == 1) or label_replace(vector(0), "drill", "none", "", "") unless on () chaos_drill_active == 1',
                "drill {{drill}}",
              ],
            ],
            names: valueNames({ 0: ["—", colors.neutral], 1: ["in force", colors.bad] }),
            width: 8,
          }),
          replicaStateBands(8),
          firingAlertBands(8),
        ],
      },
      {
        title: "Effects on peers",
        panels: [
          lines({
            title: "Peers per replica",
            description:
              "Client connections by replica. After a kill the replica's colour is gone and the others have its share.",
            queries: [['replica:signaling_connections:sum{replica=~"$replica"}', "{{replica}}"]],
            stacked: true,
            width: 12,
          }),
          heat({
            title: "Reconnect times",
            description: "From the loss of a peer's socket to its next join ack. Aim: p95 up to 2.5 s, none over 5 s.",
            queries: [["sum by (le) (increase(caller_reconnect_seconds_bucket[$__rate_interval]))", "{{le}}"]],
            width: 12,
          }),
          lines({
            title: "Calls by state",
            description: "Synthetic calls by state: how many were affected, and for how long.",
            queries: [["sum by (state) (caller_calls)", "{{state}}"]],
            stacked: true,
            width: 8,
          }),
          lines({
            title: "Signals",
            description: "Numbered signals per second. A gap between sent and received that closes again was a delay.",
            queries: [
              ["sum(rate(caller_signals_sent_total[$__rate_interval]))", "sent"],
              ["sum(rate(caller_signals_received_total[$__rate_interval]))", "received"],
            ],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Signals lost, media interrupted",
            description:
              "Acknowledged signals that never arrived, and gaps in media, in the last minute. A drill must keep both at 0.",
            queries: [
              ["sum(increase(caller_signals_lost_total[1m])) or vector(0)", "lost"],
              ["sum(increase(caller_media_interruptions_total[1m])) or vector(0)", "media interruptions"],
            ],
            limits: noneExpected(),
            width: 8,
          }),
        ],
      },
      {
        title: "Reaction of the stack",
        panels: [
          lines({
            title: "Sessions opened",
            description: "New client connections per second and replica. Admission flattens the hump after a kill.",
            queries: [['replica:signaling_connections_opened:rate30s{replica=~"$replica"}', "{{replica}}"]],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Tunnels cut",
            description: "Tunnels that the stack closed without notice, in the last minute. 0 in a drain or a roll.",
            queries: [["increase(stack:proxy_tunnels_cut:total[1m])", "cut"]],
            width: 8,
          }),
          lines({
            title: "Signal latency, p95",
            description: "One-way latency between peers. With a slow backplane only remote rises.",
            queries: [["scope:caller_signal_latency_seconds:p95_1m", "{{scope}}"]],
            unit: "s",
            limits: thresholds(0.1, 1),
            width: 8,
          }),
        ],
      },
    ],
  });
