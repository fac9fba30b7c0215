/** Steps of a unit. A value is shown with the largest divisor that it reaches. */
const scales: Readonly<Record<string, readonly (readonly [divisor: number, suffix: string])[]>> = {
  s: [
    [3_600, " h"],
    [60, " min"],
    [1, " s"],
    [1e-3, " ms"],
    [1e-6, " µs"],
  ],
  bytes: [
    [1 << 30, " GiB"],
    [1 << 20, " MiB"],
    [1 << 10, " KiB"],
    [1, " B"],
  ],
  Bps: [
    [1e6, " MB/s"],
    [1e3, " kB/s"],
    [1, " B/s"],
  ],
  short: [
    [1e6, " M"],
    [1e3, " k"],
    [1, ""],
  ],
};
const suffixes: Readonly<Record<string, string>> = { cps: "/s", reqps: " req/s", ops: " ops/s", none: "" };

/**
 * Formats a value in Grafana's unit
 * (https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit).
 */
export function formatValue(value: number, unit = "short", decimals?: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "∞";
  const fixed = (figure: number, most = 2) =>
    decimals === undefined
      ? String(Number(figure.toFixed(Math.abs(figure) >= 100 ? 0 : most)))
      : figure.toFixed(decimals);
  if (unit === "percentunit") return `${fixed(value * 100, 1)} %`;
  if (unit === "percent") return `${fixed(value, 1)} %`;
  const suffix = suffixes[unit];
  if (suffix !== undefined) return `${fixed(value)}${suffix}`;
  const steps = scales[unit] ?? scales["short"] ?? [];
  const [divisor, name] =
    steps.find(([step]) => Math.abs(value) >= step) ??
    (value === 0 ? [1, steps.find(([step]) => step === 1)?.[1] ?? ""] : (steps.at(-1) ?? [1, ""]));
  return `${fixed(value / divisor)}${name}`;
}
