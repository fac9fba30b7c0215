import type { ActionMark, DrillMark } from "../../common/pulse.ts";

/** The kind of a part, for the topology. */
export type PartKind = "balancer" | "proxy" | "replica" | "backplane" | "caller" | "prometheus" | "alertmanager";

/** One part of the stack at one moment. */
export interface Part {
  id: string;
  kind: PartKind;
  /** A replica has the proxy's state: ready, degraded, draining, down. Other parts are up or down. */
  state: string;
  /** A remark for the viewer; empty if all is well. */
  note: string;
  /** For a replica, or the total at a proxy; at the balancer, its connections. Null if unknown. */
  tunnels: number | null;
  /** Joined peers; null for other parts than replicas. */
  peers: number | null;
  lagMs: number | null;
  /** CPU as a share of a core over the last seconds. */
  cpu: number | null;
  /** Client events a second; at a proxy those of its tunnels, by their share. */
  perSecond: number | null;
}

export interface Alert {
  name: string;
  severity: string;
  state: "pending" | "firing";
  summary: string;
  /** Epoch ms. */
  since: number;
}

/** A fault in force, with the command that undoes it. */
export interface Fault extends ActionMark {
  undo: string;
}

/** Signals of the synthetic calls, per second; latencies are p95 over the last second, ms, null without a signal. */
export interface Signals {
  sent: number;
  received: number;
  lost: number;
  localMs: number | null;
  remoteMs: number | null;
}

/** The stack at one moment, for viewers and for the replay. */
export interface Snapshot {
  /** Epoch ms. */
  at: number;
  parts: Part[];
  /** Names of the peers on each replica. */
  peers: Record<string, string[]>;
  calls: Record<string, number>;
  signals: Signals | null;
  faults: Fault[];
  alerts: Alert[];
  drills: Omit<DrillMark, "sealed">[];
  /** False without Prometheus; then there are no alerts. */
  prometheus: boolean;
}

/** One second of the strips. */
export interface Second {
  at: number;
  peers: Record<string, number>;
  states: Record<string, string>;
  signals: Signals | null;
  alerts: string[];
  /** `kill signaling-2`, `drill kill-node`. */
  marks: string[];
}

/** The part of a snapshot for the strips. */
export function secondOf({ at, parts, signals, alerts, faults, drills }: Snapshot): Second {
  const replicas = parts.filter(({ kind }) => kind === "replica");
  return {
    at,
    peers: Object.fromEntries(replicas.map(({ id, peers }) => [id, peers ?? 0])),
    states: Object.fromEntries(parts.map(({ id, state }) => [id, state])),
    signals,
    alerts: alerts.filter(({ state }) => state === "firing").map(({ name }) => name),
    marks: [
      ...faults.map(({ action, target }) => `${action} ${target}`),
      ...drills.map(({ name }) => (name === "game-day" ? name : `drill ${name}`)),
    ],
  };
}

/** The part of a snapshot whose change is sent at once: everything but the constantly changing figures. */
export function materialOf({ parts, peers, faults, alerts, drills }: Snapshot): string {
  return JSON.stringify([parts.map(({ id, state, note }) => [id, state, note]), peers, faults, alerts, drills]);
}
