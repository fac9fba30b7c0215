import { askAdmin } from "./http.ts";

/** One series: its labels, and its samples as [epoch seconds, value]. */
export interface Series {
  labels: Readonly<Record<string, string>>;
  samples: readonly (readonly [at: number, value: number])[];
}

export interface Rule {
  type: "recording" | "alerting";
  name: string;
  query: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  health: string;
  lastError?: string;
}

interface Answer<T> {
  data: T;
}
interface RawSeries {
  metric: Record<string, string>;
  value?: [number, string];
  values?: [number, string][];
}

/** Prometheus' HTTP API at `base` (no slash at its end). A refusal throws an HttpError with Prometheus' message. */
export function createPrometheus(base: string) {
  const ask = async <T>(path: string, params: Readonly<Record<string, string>> = {}): Promise<T> => {
    const query = new URLSearchParams(params).toString();
    return (await askAdmin<Answer<T>>(`${base}/api/v1/${path}${query === "" ? "" : `?${query}`}`)).data;
  };
  const series = ({ metric, value, values }: RawSeries): Series => ({
    labels: metric,
    samples: (values ?? (value === undefined ? [] : [value])).map(([at, text]) => [at, Number(text)] as const),
  });
  return {
    /** The current series of `expr`. */
    query: async (expr: string): Promise<Series[]> =>
      (await ask<{ result: RawSeries[] }>("query", { query: expr })).result.map(series),
    /** The series of `expr` from `since` to `until` (epoch ms), a sample every `stepSeconds`. */
    queryRange: async (expr: string, since: number, until: number, stepSeconds = 5): Promise<Series[]> => {
      const window = { start: String(since / 1000), end: String(until / 1000), step: String(stepSeconds) };
      return (await ask<{ result: RawSeries[] }>("query_range", { query: expr, ...window })).result.map(series);
    },
    /** Every loaded rule. */
    rules: async (): Promise<Rule[]> =>
      (await ask<{ groups: { rules: Rule[] }[] }>("rules")).groups.flatMap((group) => group.rules),
    /** Alerts that are pending or firing. */
    alerts: async (): Promise<{ state: string; labels: Record<string, string> }[]> =>
      (await ask<{ alerts: { state: string; labels: Record<string, string> }[] }>("alerts")).alerts,
  };
}

export type Prometheus = ReturnType<typeof createPrometheus>;
