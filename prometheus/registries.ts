import type { Registry } from "prom-client";
import { createMetrics as createProxyMetrics } from "../proxy/metrics.ts";
import { createReplicaTable } from "../proxy/routing/replica-table.ts";
import { createMetrics as createBoardMetrics } from "../services/board/metrics.ts";
import { createMetrics as createCallerMetrics } from "../services/caller/metrics.ts";
import { createMetrics as createReplicaMetrics } from "../services/signaling/metrics.ts";

/** A metric in its program's registry. */
export interface Metric {
  name: string;
  help: string;
  type: string;
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  buckets: readonly number[];
}

/** Metrics by component, sorted by name; the metrics of every Node program are separate. */
export async function metricsByComponent(): Promise<
  Record<"replica" | "proxy" | "caller" | "board" | "every program", Metric[]>
> {
  const table = createReplicaTable({ fall: 1, rise: 1 });
  const registries = {
    replica: createReplicaMetrics().registry,
    proxy: createProxyMetrics({ table: () => table, staleNames: () => 0 }).registry,
    caller: createCallerMetrics().registry,
    board: createBoardMetrics(() => 0).registry,
  };
  const all = await Promise.all(Object.values(registries).map(metricsOf));
  const [replica = [], proxy = [], caller = [], board = []] = all.map((metrics) =>
    metrics.filter((metric) => !isDefault(metric)),
  );
  return { replica, proxy, caller, board, "every program": (all[0] ?? []).filter(isDefault) };
}

const isDefault = ({ name }: Metric) => /^(process|nodejs)_/.test(name);

/** prom-client's undeclared fields of a metric. */
interface Kept {
  labelNames?: readonly string[];
  upperBounds?: readonly number[];
}

async function metricsOf(registry: Registry): Promise<Metric[]> {
  const metrics = (await registry.getMetricsAsJSON()).map(({ name, help, type }) => {
    const { labelNames = [], upperBounds = [] } = (registry.getSingleMetric(name) ?? {}) as Kept;
    return { name, help, type: String(type), labels: labelNames, buckets: upperBounds };
  });
  return metrics.sort((a, b) => a.name.localeCompare(b.name, "en"));
}
