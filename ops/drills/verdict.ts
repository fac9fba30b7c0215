import type { Drill, Observation } from "./define-drill.ts";

export type Verdict = "passed" | "deviated" | "unmet" | "not-injected" | "not-restored";

/** What the runner's process ends with. */
export const exitCodes: Readonly<Record<Verdict, number>> = {
  passed: 0,
  deviated: 1,
  unmet: 2,
  "not-injected": 3,
  "not-restored": 4,
};

/** An expectation that was measured; `measured` is null where there was nothing to measure. */
export interface Judged {
  name: string;
  bound: string;
  measured: number | null;
  unit: string;
  ok: boolean;
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
  return all.map(({ name, unit, bound, measure }) => {
    const measured = measure(seen);
    const ok = Number.isFinite(measured) && ("max" in bound ? measured <= bound.max : measured >= bound.min);
    return {
      name,
      bound: `${"max" in bound ? `≤ ${bound.max}` : `≥ ${bound.min}`}${unit === "" ? "" : ` ${unit}`}`,
      measured: Number.isFinite(measured) ? Math.round(measured * 100) / 100 : null,
      unit,
      ok,
    };
  });
}
