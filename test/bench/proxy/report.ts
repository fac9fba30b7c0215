import { mkdirSync, writeFileSync } from "node:fs";
import { barChart } from "../bars.ts";

export type Row = {
  measure: string;
  unit: string;
  bound?: number;
  higherIsBetter: boolean;
  medians: Record<string, number>;
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const columns = ["direct", "ours", "tuning off", "before", "haproxy", "nginx", "http-proxy"];
const shown = (value: number | undefined) =>
  value === undefined || Number.isNaN(value)
    ? "–"
    : value === Number.POSITIVE_INFINITY
      ? "never"
      : value.toPrecision(3);

/**
 * The table in Markdown: medians, and this proxy's ratio to HAProxy with its bound, and to another checkout's proxy.
 */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ measure, unit, bound, higherIsBetter, medians }) => {
    const ratio = (medians["ours"] ?? Number.NaN) / (medians["haproxy"] ?? Number.NaN);
    const change = (medians["ours"] ?? Number.NaN) / (medians["before"] ?? Number.NaN);
    const limit = bound === undefined ? "" : `${higherIsBetter ? "≥" : "≤"} ${bound}`;
    return `| ${[`${measure}, ${unit}`, ...columns.map((name) => shown(medians[name])), ratio.toFixed(2), limit, change.toFixed(3)].join(" | ")} |`;
  });
  return [
    `| | ${columns.join(" | ")} | ours/HAProxy | bound | ours/before |`,
    `|---|${"---:|".repeat(columns.length + 3)}`,
    ...lines,
  ].join("\n");
}

/** Bars of every proxy relative to HAProxy, one group for each measure. */
export function plot(rows: readonly Row[]): string {
  const groups = rows.map(({ measure, higherIsBetter, medians }) => ({
    name: `${measure}${higherIsBetter ? " ▲" : ""}`,
    bars: columns
      .slice(1)
      .map((name) => ({ name, value: (medians[name] ?? Number.NaN) / (medians["haproxy"] ?? Number.NaN) })),
  }));
  return barChart("Relative to HAProxy (▲: more is better, else less)", groups, 12);
}

/** Writes `reports/bench-proxy.{json,svg}`. */
export function writeReport(rows: readonly Row[], rounds: unknown): void {
  mkdirSync("reports", { recursive: true });
  writeFileSync("reports/bench-proxy.json", `${JSON.stringify({ rows, rounds }, undefined, 2)}\n`);
  writeFileSync("reports/bench-proxy.svg", plot(rows));
}
