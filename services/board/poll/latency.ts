/** Cumulative counts by upper bound, seconds. */
type Buckets = readonly (readonly [le: number, count: number])[];

/**
 * The 95th percentile, ms, of a histogram's observations between two polls. It is interpolated within its bucket, like
 * PromQL's histogram_quantile. Null without observations.
 */
export function p95Between(before: Buckets, after: Buckets): number | null {
  const counts = after.map(([le, count], index) => ({ le, count: count - (before[index]?.[1] ?? 0) }));
  const total = counts.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const rank = 0.95 * total;
  const index = counts.findIndex(({ count }) => count >= rank);
  const bucket = counts[index];
  if (bucket === undefined) return null;
  const below = counts[index - 1] ?? { le: 0, count: 0 };
  // Above the last finite bound only that bound is known.
  if (bucket.le === Number.MAX_VALUE) return below.le * 1_000;
  const share = (rank - below.count) / Math.max(1, bucket.count - below.count);
  return Math.round((below.le + (bucket.le - below.le) * share) * 100_000) / 100;
}
