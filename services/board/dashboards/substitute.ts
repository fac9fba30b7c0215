import type { PanelSeries } from "./model.ts";

/** Prometheus' scrape interval, s (prometheus/prometheus.yml). */
const scrapeSeconds = 5;

/**
 * Replaces Grafana's variables in an expression: `$__rate_interval` as in Grafana (the longer of four scrapes and the
 * step plus one scrape), `$__interval`, `$__range`, and the dashboard's own.
 *
 * @see https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
 */
export function substitute(
  expr: string,
  {
    stepSeconds,
    rangeSeconds,
    variables,
  }: { stepSeconds: number; rangeSeconds: number; variables: Readonly<Record<string, string>> },
): string {
  const values: Record<string, string> = {
    __rate_interval: `${Math.max(4 * scrapeSeconds, stepSeconds + scrapeSeconds)}s`,
    __interval: `${stepSeconds}s`,
    __range: `${rangeSeconds}s`,
    ...variables,
  };
  return expr.replace(/\$(?:\{(\w+)\}|(\w+))/g, (text, braced: string | undefined, bare: string | undefined) => {
    return values[braced ?? bare ?? ""] ?? text;
  });
}

/**
 * The name of a series: the format with `{{replica}}` and others replaced by its labels; without a format, its metric
 * and labels.
 */
export function legendOf(format: string | undefined, labels: PanelSeries["labels"]): string {
  if (format === undefined || format === "" || format === "__auto") {
    const { __name__: name = "", ...rest } = labels;
    const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
    return pairs.length === 0 ? name || "value" : `${name}{${pairs.join(", ")}}`;
  }
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? "").trim() || "value";
}
