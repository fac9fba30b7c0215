import type { Drill, Expectation, Observation } from "../drills/define-drill.ts";

export type Verdict = "passed" | "deviated" | "unmet" | "not-injected" | "not-restored";

/** The exit code of each verdict. */
export const exitCodes: Readonly<Record<Verdict, number>> = {
  passed: 0,
  deviated: 1,
  unmet: 2,
  "not-injected": 3,
  "not-restored": 4,
};

/** An expectation and its measured value. `measured` is null if there was nothing to measure. */
export interface Judged {
  name: string;
  bound: string;
  measured: number | null;
  unit: string;
  ok: boolean;
  /** Why the expectation is not applicable: the capability that is missing. Null if it is judged. */
  notApplicable: string | null;
}

/** The measured value as text: `340 ms`, `not measured`, `not applicable: no media`. */
export function shownFigure({ measured, unit, notApplicable }: Judged): string {
  if (notApplicable !== null) return `not applicable: ${notApplicable}`;
  return measured === null ? "not measured" : `${measured} ${unit}`.trimEnd();
}

/** Compares a drill's expectations with the observation. Pure. */
export function judge(drill: Pick<Drill, "expect" | "alert" | "deadlineMs">, seen: Observation): Judged[] {
  const alert = drill.alert;
  const all = [
    ...drill.expect,
    ...(alert === undefined
      ? []
      : [
          {
            name: `${alert.name} fires`,
            unit: "ms" as const,
            bound: { max: alert.withinMs },
            measure: ({ alertsMs }: Observation) => alertsMs[alert.name] ?? Number.NaN,
          },
        ]),
  ];
  return all.map(({ name, unit, bound, measure, needs }: Expectation) => {
    const missing = needs !== undefined && !isThere(needs, seen);
    const measured = missing ? Number.NaN : measure(seen);
    const met = Number.isFinite(measured) && ("max" in bound ? measured <= bound.max : measured >= bound.min);
    return {
      name,
      bound: `${"max" in bound ? `≤ ${bound.max}` : `≥ ${bound.min}`}${unit === "" ? "" : ` ${unit}`}`,
      measured: Number.isFinite(measured) ? Math.round(measured * 100) / 100 : null,
      unit,
      ok: met || missing,
      notApplicable: missing ? `no ${needs}` : null,
    };
  });
}

/** What the expectations that are not met say of it. */
export function explain({ expect }: Pick<Drill, "expect">, seen: Observation, judged: readonly Judged[]): string[] {
  const missed = expect.filter(({ name }) => judged.some((one) => one.name === name && !one.ok));
  return missed.flatMap((expectation) => expectation.explain?.(seen) ?? []);
}

function isThere(needs: NonNullable<Expectation["needs"]>, { after, replicaMetrics }: Observation): boolean {
  return needs === "replica metrics" ? replicaMetrics : after.capabilities[needs];
}
