import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { metricsPage } from "./metrics-page.ts";
import { metricsByComponent } from "./registries.ts";

test("docs/metrics.md equals the programs' registries", async () => {
  expect(readFileSync(new URL("../docs/metrics.md", import.meta.url), "utf8")).toBe(await metricsPage());
});

test("no label contains a room, a peer, a socket or an address", async () => {
  const labels = Object.values(await metricsByComponent()).flatMap((metrics) =>
    metrics.flatMap((metric) => metric.labels),
  );
  expect(labels).toContain("replica");
  expect(labels.filter((label) => /room|peer|socket|sid|address|ip$|user|url|path/.test(label))).toEqual([]);
});

test("buckets begin where the contract says: relay at 0.25 ms, reconnect at 100 ms", async () => {
  const { replica, caller } = await metricsByComponent();
  const bucketsOf = (metrics: typeof replica, name: string) => metrics.find((metric) => metric.name === name)?.buckets;
  expect(bucketsOf(replica, "signaling_relay_duration_seconds")?.[0]).toBe(0.00025);
  expect(bucketsOf(caller, "caller_reconnect_seconds")?.[0]).toBe(0.1);
});
