import { mkdirSync, writeFileSync } from "node:fs";

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

const columns = ["direct", "ours", "haproxy", "nginx", "http-proxy"];
const shown = (value: number | undefined) =>
  value === undefined || Number.isNaN(value)
    ? "–"
    : value === Number.POSITIVE_INFINITY
      ? "never"
      : value.toPrecision(3);

/** The table, Markdown: medians, and ours as a ratio to HAProxy against its bound. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ measure, unit, bound, higherIsBetter, medians }) => {
    const ratio = (medians["ours"] ?? Number.NaN) / (medians["haproxy"] ?? Number.NaN);
    const limit = bound === undefined ? "" : `${higherIsBetter ? "≥" : "≤"} ${bound}`;
    return `| ${[`${measure}, ${unit}`, ...columns.map((name) => shown(medians[name])), ratio.toFixed(2), limit].join(" | ")} |`;
  });
  return [
    `| | ${columns.join(" | ")} | ours/HAProxy | bound |`,
    `|---|${"---:|".repeat(columns.length + 2)}`,
    ...lines,
  ].join("\n");
}

/** Bars of every proxy relative to HAProxy, one group a measure. */
export function plot(rows: readonly Row[]): string {
  const names = columns.slice(1);
  const colours: Record<string, string> = {
    ours: "#0b7285",
    haproxy: "#868e96",
    nginx: "#adb5bd",
    "http-proxy": "#e8590c",
  };
  const [left, barHeight, gap, width] = [230, 14, 26, 420];
  const finite = (row: Row, name: string) => Math.min((row.medians[name] ?? 0) / (row.medians["haproxy"] ?? 1), 12);
  const scale = width / Math.max(...rows.flatMap((row) => names.map((name) => finite(row, name))), 1);
  const groups = rows.map((row, index) => {
    const y = 40 + index * (names.length * barHeight + gap);
    const bars = names.map((name, at) => {
      const value = finite(row, name);
      const top = y + at * barHeight;
      return `<rect x="${left}" y="${top}" width="${(value * scale).toFixed(1)}" height="${barHeight - 3}" fill="${colours[name]}"/><text x="${(left + value * scale + 5).toFixed(1)}" y="${top + 10}">${name} ${value.toFixed(2)}</text>`;
    });
    return `<text x="${left - 8}" y="${y + 30}" text-anchor="end">${row.measure}${row.higherIsBetter ? " ▲" : ""}</text>${bars.join("")}`;
  });
  const height = 50 + rows.length * (names.length * barHeight + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 130}" height="${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="12" y="20" font-size="14">Relative to HAProxy (▲: more is better, else less)</text>${groups.join("")}</svg>\n`;
}

/** Writes `reports/bench-proxy.{json,svg}`. */
export function writeReport(rows: readonly Row[], rounds: unknown): void {
  mkdirSync("reports", { recursive: true });
  writeFileSync("reports/bench-proxy.json", `${JSON.stringify({ rows, rounds }, undefined, 2)}\n`);
  writeFileSync("reports/bench-proxy.svg", plot(rows));
}
