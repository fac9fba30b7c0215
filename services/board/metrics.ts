import { Counter, Gauge, Registry } from "prom-client";
import { collectProcessMetrics } from "../../common/process-metrics.ts";

/** The board's metrics in a registry of their own. */
export function createMetrics(viewers: () => number) {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry, 50);
  new Gauge({
    name: "board_viewers",
    help: "Browsers on the event stream",
    registers,
    collect() {
      this.set(viewers());
    },
  });
  return {
    registry,
    polls: new Counter({ name: "board_polls_total", help: "Polls of admin endpoints and Prometheus", registers }),
  };
}
