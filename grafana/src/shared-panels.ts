import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { colors, noneExpected, replicaStates, thresholds, valueNames } from "./design.ts";
import { bands, figure } from "./panels.ts";

/** Objective: share of successful call set-ups. Its complement is the error budget (prometheus/slo). */
export const objective = 0.995;

/** The proxy's state of each replica, over time. */
export function replicaStateBands(width: number, height = 6): Panel {
  return bands({
    title: "Replica states",
    description:
      "The proxy's state of each replica: ready, degraded (without the backplane), draining, down. All green is normal. Look first at a band of another colour.",
    queries: [["replica:proxy_replica_state:code", "{{replica}}"]],
    names: replicaStates,
    width,
    height,
  });
}

/** The firing alerts over time. A grey band means that none fires. */
export function firingAlertBands(width: number, height = 6): Panel {
  return bands({
    title: "Alerts firing",
    description:
      "One band for each alert while it fires. Its runbook has the same name: dashboard Runbooks, or docs/runbooks/<Alert>.md.",
    queries: [
      [
        'max by (alertname) (ALERTS{alertstate="firing"}) or label_replace(vector(0), "alertname", "none", "", "") unless on () ALERTS{alertstate="firing"}',
        "{{alertname}}",
      ],
    ],
    names: valueNames({ 0: ["silent", colors.neutral], 1: ["firing", colors.bad] }),
    width,
    height,
  });
}

/** The SLO's figure: share of successful call set-ups in the longer fast window. */
export function setupSuccess(width: number): Panel {
  return figure({
    title: "Call set-ups that succeed",
    description: `Share of successful synthetic call set-ups over the fast burn window (2 min in training, 1 h with SLO_WINDOWS=prod). Objective: ${objective * 100} %. Below it, see the dashboard Calls.`,
    queries: [['1 - stack:caller_call_setup_errors:ratio{burn="fast", window="long"}', "success"]],
    unit: "percentunit",
    decimals: 2,
    limits: thresholds(objective, 1 - 14.4 * (1 - objective)),
    width,
  });
}

/** The remaining error budget. */
export function budgetLeft(width: number): Panel {
  return figure({
    title: "Error budget left",
    description:
      "The remaining part of the failures that the objective allows (1 h in training, 30 days with SLO_WINDOWS=prod): 100 % is unused, 0 % is spent, below that is overdrawn.",
    queries: [["stack:caller_call_setup_budget:remaining", "left"]],
    unit: "percentunit",
    decimals: 0,
    limits: thresholds(0.5, 0),
    width,
  });
}

/** Acknowledged signals that never arrived. */
export function signalsLost(width: number): Panel {
  return figure({
    title: "Signals lost, 5 min",
    description:
      "Acknowledged signals whose addressee was connected and that did not arrive within 5 s. A killed replica may lose the signals that it is relaying. Any loss after the peers are back is a fault of the stack.",
    queries: [["sum(increase(caller_signals_lost_total[5m])) or vector(0)", "lost"]],
    decimals: 0,
    limits: noneExpected(),
    width,
  });
}

/** Calls whose media stopped. */
export function mediaInterruptions(width: number): Panel {
  return figure({
    title: "Media interruptions, 5 min",
    description:
      "Gaps of over 1 s in the media of a synthetic WebRTC call. It stays 0 even without signaling, because media flows between the peers, not through the stack.",
    queries: [["sum(increase(caller_media_interruptions_total[5m])) or vector(0)", "interruptions"]],
    decimals: 0,
    limits: noneExpected(),
    width,
  });
}
