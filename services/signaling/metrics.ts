import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { collectProcessMetrics } from "../../common/process-metrics.ts";
import { RELAYED } from "../../common/protocol-names.ts";

/** A replica's metrics, in a registry of their own. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  return {
    registry,
    connections: new Gauge({
      name: "signaling_connections",
      help: "Client connections by transport: polling, websocket (Socket.IO), ws (raw)",
      labelNames: ["transport"],
      registers,
    }),
    rooms: new Gauge({ name: "signaling_rooms", help: "Rooms with a member on this replica", registers }),
    opened: new Counter({
      name: "signaling_connections_opened_total",
      help: "Client connections opened, by their first transport",
      labelNames: ["transport"],
      registers,
    }),
    closed: new Counter({
      name: "signaling_connections_closed_total",
      help: "Client connections closed, by reason",
      labelNames: ["reason"],
      registers,
    }),
    events: new Counter({
      name: "signaling_events_total",
      help: "Client events by outcome: ok, or the error code",
      labelNames: ["event", "outcome"],
      registers,
    }),
    clientLimited: new Counter({
      name: "signaling_client_limited_total",
      help: "Events, and joins and leaves, over a limit that all connections of a client address share",
      labelNames: ["limit"],
      registers,
    }),
    relayDuration: new Histogram({
      name: "signaling_relay_duration_seconds",
      help: "local: from reception to local delivery; remote: from publish to delivery on the receiving replica",
      labelNames: ["scope"],
      buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    }),
    clock: new Gauge({
      name: "signaling_clock_seconds",
      help: "Unix time by this replica's clock; Prometheus compares it with its own",
      registers,
      collect() {
        this.set(Date.now() / 1_000);
      },
    }),
    backplaneUp: new Gauge({
      name: "signaling_backplane_up",
      help: "1 while this replica's canary comes back through the backplane within 2 s",
      registers,
    }),
    backplaneCanary: new Gauge({
      name: "signaling_backplane_canary_seconds",
      help: "Round trip of the last canary that came back",
      registers,
    }),
    backplaneDropped: new Counter({
      name: "signaling_backplane_dropped_total",
      help: "Messages dropped: unsent (backplane down), stale (over 1 s in transit), foreign, forged, replayed, poisoned",
      labelNames: ["reason"],
      registers,
    }),
    backplanePeers: new Gauge({
      name: "signaling_backplane_peers",
      help: "Other replicas heard on the backplane within 3 s",
      registers,
    }),
    draining: new Gauge({ name: "signaling_draining", help: "1 while this replica drains", registers }),
  };
}

/** An event's name as the label of `signaling_events_total`. Unknown names make no new series. */
export function eventLabel(event: string): string {
  const isKnown = event === "join" || event === "leave" || (RELAYED as readonly string[]).includes(event);
  return isKnown ? event : "unknown";
}

export type Metrics = ReturnType<typeof createMetrics>;
