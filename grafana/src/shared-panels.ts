import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { colors, noneExpected, replicaStates, thresholds, valueNames } from "./design.ts";
import { bands, figure } from "./panels.ts";

/** Share of call set-ups that shall succeed; its complement is the error budget (prometheus/slo). */
export const objective = 0.995;

/** What the proxy thinks of each replica, over time. */
export function replicaStateBands(width: number, height = 6): Panel {
  return bands({
    title: "Replica states",
    description:
      "What the proxy calls each replica: ready, degraded (cut off from the backplane), draining, down. All green is normal; a band of another colour is where to look first.",
    queries: [["replica:proxy_replica_state:code", "{{replica}}"]],
    names: replicaStates,
    width,
    height,
  });
}

/** Which alerts fire, over time; a grey band says that none does. */
export function firingAlertBands(width: number, height = 6): Panel {
  return bands({
    title: "Alerts firing",
    description:
      "One band an alert, as long as it fires. Each has a runbook of its name: dashboard Runbooks, or docs/runbooks/<Alert>.md.",
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

/** The SLO's figure: share of call set-ups that succeeded in the longer fast window. */
export function setupSuccess(width: number): Panel {
  return figure({
    title: "Call set-ups that succeed",
    description: `Share of synthetic call set-ups that succeeded, over the fast burn window (2 min in training, 1 h with SLO_WINDOWS=prod). Objective: ${objective * 100} %. Below it, see the dashboard Calls.`,
    queries: [['1 - stack:caller_call_setup_errors:ratio{burn="fast", window="long"}', "success"]],
    unit: "percentunit",
    decimals: 2,
    limits: thresholds(objective, 1 - 14.4 * (1 - objective)),
    width,
  });
}

/** What is left of the error budget. */
export function budgetLeft(width: number): Panel {
  return figure({
    title: "Error budget left",
    description:
      "What is left of the failures that the objective allows (1 h in training, 30 days with SLO_WINDOWS=prod): 100 % untouched, 0 % spent, below that overdrawn.",
    queries: [["stack:caller_call_setup_budget:remaining", "left"]],
    unit: "percentunit",
    decimals: 0,
    limits: thresholds(0.5, 0),
    width,
  });
}

/** Signals that were acknowledged and never came. */
export function signalsLost(width: number): Panel {
  return figure({
    title: "Signals lost, 5 min",
    description:
      "Signals that were acknowledged, whose addressee was connected, and that did not come within 5 s. A killed replica may lose what it had in hand; anything after the peers are back is a fault of the stack.",
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
      "Gaps of over 1 s in the media of a synthetic WebRTC call. 0 whatever happens to signaling: media flows between the peers, not through the stack.",
    queries: [["sum(increase(caller_media_interruptions_total[5m])) or vector(0)", "interruptions"]],
    decimals: 0,
    limits: noneExpected(),
    width,
  });
}
