import { buildDashboard } from "./dashboard.ts";
import { colors, thresholds, valueNames } from "./design.ts";
import { bands, lines } from "./panels.ts";
import { replicaStateBands } from "./shared-panels.ts";

/** The replicas dashboard: service for peers, then utilization, saturation and errors. */
export const replicas = () =>
  buildDashboard({
    uid: "htl-replicas",
    title: "Replicas",
    description: "Which replica is slow, full, draining or failing: relay, sockets, events, event loop, memory, CPU.",
    byReplica: true,
    sections: [
      {
        title: "Service for peers",
        panels: [
          lines({
            title: "Relay, local",
            description:
              "From reception of a signal to its delivery on the same replica. The backplane is not involved. Below 5 ms is normal.",
            queries: relay("local"),
            unit: "s",
            limits: thresholds(0.1, 0.25),
            width: 8,
          }),
          lines({
            title: "Relay, remote",
            description:
              "From publish to delivery on the receiving replica, by the clocks of both. p95 over 250 ms: SignalingRelaySlow. If only this is slow and local is not, look at the backplane.",
            queries: relay("remote"),
            unit: "s",
            limits: thresholds(0.1, 0.25),
            width: 8,
          }),
          lines({
            title: "Refused events",
            description: "Share of the client events that were refused with a coded ack.",
            queries: [['replica:signaling_events_refused:ratio_rate1m{replica=~"$replica"}', "{{replica}}"]],
            unit: "percentunit",
            limits: thresholds(0.01, 0.1),
            width: 8,
          }),
        ],
      },
      {
        title: "Utilization",
        panels: [
          lines({
            title: "Sockets by transport",
            description: "Client connections: websocket and polling (Socket.IO), ws (raw WebSocket).",
            queries: [['sum by (transport) (signaling_connections{replica=~"$replica"})', "{{transport}}"]],
            stacked: true,
            width: 8,
          }),
          lines({
            title: "Peers per replica",
            description: "Client connections by replica. Over twice its share for a minute: SignalingImbalanced.",
            queries: [['replica:signaling_connections:sum{replica=~"$replica"}', "{{replica}}"]],
            stacked: true,
            width: 8,
          }),
          lines({
            title: "Rooms",
            description: "Rooms with a member on the replica. A room with members on two replicas counts on both.",
            queries: [['sum by (replica) (signaling_rooms{replica=~"$replica"})', "{{replica}}"]],
            width: 8,
          }),
          lines({
            title: "Events",
            description: "Client events per second and replica.",
            queries: [['replica:signaling_events:rate30s{replica=~"$replica"}', "{{replica}}"]],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Events by kind",
            description: "Client events by kind. Joins alone mean that many peers are reconnecting.",
            queries: [
              ['sum by (event) (rate(signaling_events_total{replica=~"$replica"}[$__rate_interval]))', "{{event}}"],
            ],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "CPU",
            description: "Cores used by each replica; it can use one.",
            queries: [['replica:process_cpu_seconds:rate30s{replica=~"$replica"}', "{{replica}}"]],
            limits: thresholds(0.7, 0.9),
            width: 8,
          }),
        ],
      },
      {
        title: "Saturation",
        panels: [
          lines({
            title: "Event-loop lag, p99",
            description: "Delay of timers; the minimum shown is 10 ms. Over 200 ms: SignalingEventLoopLag.",
            queries: [['replica:nodejs_eventloop_lag_seconds:p99{replica=~"$replica"}', "{{replica}}"]],
            unit: "s",
            limits: thresholds(0.1, 0.2),
            width: 8,
          }),
          lines({
            title: "Heap used",
            description: "JavaScript heap in use. A saw-tooth is normal; a steady rise is a leak.",
            queries: [['max by (replica) (nodejs_heap_size_used_bytes{replica=~"$replica"})', "{{replica}}"]],
            unit: "bytes",
            width: 8,
          }),
          lines({
            title: "Resident memory",
            description: "Memory of the whole process, buffers of sockets included.",
            queries: [['max by (replica) (process_resident_memory_bytes{replica=~"$replica"})', "{{replica}}"]],
            unit: "bytes",
            width: 8,
          }),
          lines({
            title: "Garbage collection",
            description: "Share of the time spent collecting garbage.",
            queries: [
              [
                'sum by (replica) (rate(nodejs_gc_duration_seconds_sum{replica=~"$replica"}[$__rate_interval]))',
                "{{replica}}",
              ],
            ],
            unit: "percentunit",
            limits: thresholds(0.05, 0.2),
            width: 8,
          }),
          lines({
            title: "Open files",
            description: "Used share of a replica's file descriptors. A socket needs one.",
            queries: [
              [
                'max by (replica) (process_open_fds{replica=~"$replica"} / process_max_fds{replica=~"$replica"})',
                "{{replica}}",
              ],
            ],
            unit: "percentunit",
            limits: thresholds(0.7, 0.9),
            width: 8,
          }),
          bands({
            title: "Draining",
            description: "Draining replicas. If peers are left after a minute: SignalingDrainStuck.",
            queries: [['max by (replica) (signaling_draining{replica=~"$replica"})', "{{replica}}"]],
            names: valueNames({ 0: ["serving", colors.good], 1: ["draining", colors.planned] }),
            width: 8,
            height: 8,
          }),
        ],
      },
      {
        title: "Errors",
        panels: [
          replicaStateBands(8, 8),
          lines({
            title: "Refused, by code",
            description: "Refused events per second, by the code in the ack.",
            queries: [
              [
                'sum by (outcome) (rate(signaling_events_total{outcome!="ok", replica=~"$replica"}[$__rate_interval])) or label_replace(vector(0), "outcome", "none", "", "")',
                "{{outcome}}",
              ],
            ],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Connections closed, by reason",
            description: "Why client connections ended, per second.",
            queries: [
              [
                'sum by (reason) (rate(signaling_connections_closed_total{replica=~"$replica"}[$__rate_interval]))',
                "{{reason}}",
              ],
            ],
            unit: "cps",
            width: 8,
          }),
        ],
      },
    ],
  });

function relay(scope: "local" | "remote"): [string, string][] {
  return ["p50", "p95", "p99"].map((share) => [
    `scope:signaling_relay_duration_seconds:${share}_1m{scope="${scope}"}`,
    share,
  ]);
}
