import { Counter, Gauge, Registry } from "prom-client";
import { collectProcessMetrics } from "../common/process-metrics.ts";
import type { ReplicaTable } from "./routing/replica-table.ts";
import { Durations, Tally } from "./tallies.ts";

/** How often the event loop's delay is sampled, ms. A smaller delay is not seen. */
const delayEveryMs = 50;
/** Upper bounds, seconds: a poll lasts up to 25. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 30, 60];
const states = ["ready", "degraded", "draining", "down"] as const;

/** The proxy's metrics in a registry of their own. Gauges read theirs when they are scraped. */
export function createMetrics({ table, staleNames }: { table(): ReplicaTable; staleNames(): number }) {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry, delayEveryMs);
  /** Bytes of closed tunnels. Those of open ones are added at the scrape. */
  const closedBytes = { in: 0, out: 0 };

  new Gauge({
    name: "proxy_tunnels",
    help: "Relayed WebSocket connections",
    labelNames: ["replica"],
    registers,
    collect() {
      this.reset();
      for (const replica of table().carriers()) this.inc({ replica: replica.spec.id }, replica.tunnels.size);
    },
  });
  new Gauge({
    name: "proxy_replica_state",
    help: "1 for the state that a replica is in",
    registers,
    labelNames: ["replica", "state"],
    collect() {
      this.reset();
      for (const replica of table().all())
        for (const state of states) this.set({ replica: replica.spec.id, state }, replica.state === state ? 1 : 0);
    },
  });
  new Counter({
    name: "proxy_bytes_total",
    help: "Bytes relayed by tunnels: in from clients, out to clients",
    registers,
    labelNames: ["direction"],
    collect() {
      const sum = { ...closedBytes };
      for (const replica of table().carriers())
        for (const tunnel of replica.tunnels) {
          const bytes = tunnel.bytes();
          sum.in += bytes.in;
          sum.out += bytes.out;
        }
      this.reset();
      this.inc({ direction: "in" }, sum.in);
      this.inc({ direction: "out" }, sum.out);
    },
  });

  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Tally(labelNames, { name, help, registry });
  new Gauge({
    name: "proxy_stale_names",
    help: "Names of replicas that do not resolve now; their last addresses are kept",
    registers,
    collect() {
      this.set(staleNames());
    },
  });
  return {
    registry,
    closedBytes,
    requests: counter("proxy_requests_total", "HTTP requests answered (replica none: by the proxy itself)", [
      "replica",
      "code",
    ]),
    requestSeconds: new Durations(requestBuckets, {
      name: "proxy_request_duration_seconds",
      help: "From request head to end of answer",
      registry,
    }),
    tunnelsOpened: counter("proxy_tunnels_opened_total", "Tunnels opened", ["replica"]),
    tunnelsClosed: counter("proxy_tunnels_closed_total", "Tunnels closed, by reason", ["replica", "reason"]),
    routes: counter("proxy_routes_total", "Route decisions", ["decision"]),
    ejections: counter("proxy_replica_ejections_total", "Ejections of replicas, by cause", ["replica", "cause"]),
    retries: counter("proxy_retries_total", "Failed tries at this replica that were repeated at another", ["replica"]),
    rejected: counter("proxy_rejected_total", "Requests and connections refused by the proxy", ["reason"]),
    unknownSessions: counter("proxy_unknown_sessions_total", "Sessions answered 400: their replica is gone", []),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
