import { expect } from "vitest";
import { readMetric } from "../metric.ts";

/** Expects of the replicas' own measure, from publish to delivery, that no remote signal was older than a second. */
export async function expectNoneStale(replicas: readonly { adminUrl: string }[]): Promise<void> {
  for (const replica of replicas) {
    const labels = { scope: "remote" };
    const all = await readMetric(replica, "signaling_relay_duration_seconds_count", labels);
    expect(await readMetric(replica, "signaling_relay_duration_seconds_bucket", { ...labels, le: "1" })).toBe(all);
  }
}
