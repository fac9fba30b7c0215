import { createServer } from "node:net";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { collectProcessMetrics } from "./process-metrics.ts";

test("the count of open descriptors is current, and the default metrics exist", async () => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const count = async () => {
    const { values } = (await registry.getSingleMetric("process_open_fds")?.get()) ?? { values: [] };
    return values[0]?.value ?? Number.NaN;
  };
  const before = await count();
  const servers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  expect((await count()) - before).toBe(20);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  expect(await count()).toBe(before);
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "process_cpu_seconds_total",
      "nodejs_eventloop_lag_p99_seconds",
      "nodejs_heap_size_used_bytes",
    ]),
  );
});
