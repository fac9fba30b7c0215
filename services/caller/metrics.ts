import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { collectProcessMetrics } from "../../common/process-metrics.ts";

/** The caller's metrics, in a registry of their own; `chaos_*` are held here for the ops CLI. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectProcessMetrics(registry);
  const setups = new Counter({
    name: "caller_call_setups_total",
    help: "Call set-ups that ended, by result: ok, failed",
    labelNames: ["result"],
    registers,
  });
  // Exported from the start, because increase() misses the first step of a new series.
  for (const result of ["ok", "failed"]) setups.inc({ result }, 0);
  return {
    registry,
    calls: new Gauge({
      name: "caller_calls",
      help: "Synthetic calls by state: setting-up, connected, reconnecting",
      labelNames: ["state"],
      registers,
    }),
    setups,
    setupSeconds: new Histogram({
      name: "caller_call_setup_seconds",
      help: "From the first connect of a call to its answer received (and media connected, where it has media)",
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    sent: new Counter({ name: "caller_signals_sent_total", help: "Numbered signals sent, once each", registers }),
    received: new Counter({
      name: "caller_signals_received_total",
      help: "Numbered signals received, repeats left out",
      registers,
    }),
    lost: new Counter({
      name: "caller_signals_lost_total",
      help: "Signals acknowledged, addressee believed connected, and not received within 5 s",
      registers,
    }),
    latencySeconds: new Histogram({
      name: "caller_signal_latency_seconds",
      help: "One-way, from emit to reception; scope local: both peers on one replica",
      labelNames: ["scope"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    reconnectSeconds: new Histogram({
      name: "caller_reconnect_seconds",
      help: "From the loss of a peer's socket to its next join ack",
      buckets: [0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 8, 10, 30],
      registers,
    }),
    connectFailures: new Counter({
      name: "caller_connect_failures_total",
      help: "Attempts of synthetic peers to connect that failed (engine and websocket peers)",
      registers,
    }),
    mediaInterruptions: new Counter({
      name: "caller_media_interruptions_total",
      help: "Gaps of over 1 s in a WebRTC call's media, or a connection that left the state connected",
      registers,
    }),
    chaosAction: new Gauge({
      name: "chaos_action_active",
      help: "1 while a chaos action is in effect",
      labelNames: ["action", "target"],
      registers,
    }),
    chaosDrill: new Gauge({
      name: "chaos_drill_active",
      help: "1 while a drill runs",
      labelNames: ["drill"],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
