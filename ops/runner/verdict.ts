import type { Drill, Expectation, Observation } from "../drills/define-drill.ts";

export type Verdict = "passed" | "deviated" | "unmet" | "not-injected" | "not-restored";

/** What the runner's process ends with. */
export const exitCodes: Readonly<Record<Verdict, number>> = {
  passed: 0,
  deviated: 1,
  unmet: 2,
  "not-injected": 3,
  "not-restored": 4,
};

/** An expectation that was held against what was observed; `measured` is null where there was nothing to measure. */
export interface Judged {
  name: string;
  bound: string;
  measured: number | null;
  unit: string;
  ok: boolean;
  /** Why it is not judged: what the callers of this application cannot tell; null: it is judged. */
  notApplicable: string | null;
}

/** The measured value in words: `340 ms`, `not measured`, `not applicable: no media`. */
export function shownFigure({ measured, unit, notApplicable }: Judged): string {
  if (notApplicable !== null) return `not applicable: ${notApplicable}`;
  return measured === null ? "not measured" : `${measured} ${unit}`.trimEnd();
}

/** Holds a drill's expectations against what was observed. Pure. */
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

function isThere(needs: NonNullable<Expectation["needs"]>, { after, replicaMetrics }: Observation): boolean {
  return needs === "replica metrics" ? replicaMetrics : after.capabilities[needs];
}
