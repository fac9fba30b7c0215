import type { Percentiles } from "../../common/calls.ts";

/** Nearest-rank percentiles of `samples` (in any unit and order). Zeros without samples. */
export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: round(sorted.at(-1) ?? 0) };
}

const round = (value: number) => Math.round(value * 100) / 100;
