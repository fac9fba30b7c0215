/** The finding of a probe. */
export type Observation =
  | { kind: "ready" | "degraded" | "draining" }
  /** `detail` describes the failure. */
  | { kind: "failed"; cause: "refused" | "reset" | "timeout" | "status" | "error"; detail: string };

/** A replica's health, computed from its probes. */
export interface Health {
  state: "ready" | "degraded" | "draining" | "down";
  /** Probes in a row that failed. */
  failures: number;
  /** True while every one of `failures` was a time-out. */
  onlyTimeouts: boolean;
  /** Probes in a row that passed while `down`. */
  passes: number;
  /** False before the first probe came back. */
  probed: boolean;
}

/** Down until proven otherwise; the first probe decides alone. */
export const unprobed: Health = { state: "down", failures: 0, onlyTimeouts: true, passes: 0, probed: false };

/**
 * The health after one more probe.
 *
 * @param fall failures in a row that make it `down`
 * @param rise passes in a row that bring it back
 * @param last true when no other replica takes new sessions. Time-outs alone do not eject it then: the proxy itself may
 *   be slow, and a doubtful replica is better than none
 */
export function observe(
  health: Health,
  seen: Observation,
  { fall, rise, last }: { fall: number; rise: number; last: boolean },
): Health {
  if (seen.kind === "failed") {
    const failures = health.failures + 1;
    const onlyTimeouts = (health.failures === 0 || health.onlyTimeouts) && seen.cause === "timeout";
    const ejected = failures >= fall && !(onlyTimeouts && last);
    return { state: ejected ? "down" : health.state, failures, onlyTimeouts, passes: 0, probed: true };
  }
  const passes = health.passes + 1;
  const back = health.state !== "down" || !health.probed || passes >= rise;
  return {
    state: back ? seen.kind : "down",
    failures: 0,
    onlyTimeouts: true,
    passes: back ? 0 : passes,
    probed: true,
  };
}
