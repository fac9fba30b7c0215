import { buildDashboard } from "./dashboard.ts";
import { noneExpected, thresholds, upDown } from "./design.ts";
import { bands, figure, lines } from "./panels.ts";

/** The backplane dashboard: do the replicas hear each other, and is Redis healthy? */
export const backplane = () =>
  buildDashboard({
    uid: "htl-backplane",
    title: "Backplane",
    description: "Do the replicas hear each other, and is Redis healthy? Redis' own series come from redis_exporter.",
    byReplica: true,
    sections: [
      {
        title: "Do replicas hear each other?",
        panels: [
          bands({
            title: "Canary back",
            description:
              "Whether each replica's canary comes back through the backplane within 2 s. All down: Redis is the cause. One down: its way to Redis is.",
            queries: [['min by (replica) (signaling_backplane_up{replica=~"$replica"})', "{{replica}}"]],
            names: upDown,
            width: 8,
            height: 8,
          }),
          lines({
            title: "Canary round trip",
            description: "Round trip of the last canary. A few milliseconds are normal; 2 s counts as lost.",
            queries: [['max by (replica) (signaling_backplane_canary_seconds{replica=~"$replica"})', "{{replica}}"]],
            unit: "s",
            limits: thresholds(0.1, 2),
            width: 8,
          }),
          lines({
            title: "Other replicas heard",
            description: "Other replicas heard within 3 s. All others is normal.",
            queries: [['max by (replica) (signaling_backplane_peers{replica=~"$replica"})', "{{replica}}"]],
            width: 8,
          }),
          lines({
            title: "Clocks",
            description:
              "How far each replica's clock is ahead of Prometheus'. Lines further apart than 300 ms: SignalingClockSkew; than a second: their signals are dropped.",
            queries: [['replica:signaling_clock_ahead_seconds:min1m{replica=~"$replica"}', "{{replica}}"]],
            unit: "s",
            width: 8,
          }),
          lines({
            title: "Messages dropped",
            description:
              "unsent: Redis was down. stale: over 1 s in transit; an old offer is worse than none. foreign, forged, poisoned: not a valid message of a replica.",
            queries: [
              [
                'sum by (reason) (rate(signaling_backplane_dropped_total{replica=~"$replica"}[$__rate_interval])) or label_replace(vector(0), "reason", "none", "", "")',
                "{{reason}}",
              ],
            ],
            unit: "cps",
            width: 12,
          }),
          lines({
            title: "Relay, remote",
            description: "From publish to delivery on another replica. p95 over 250 ms: SignalingRelaySlow.",
            queries: ["p50", "p95", "p99"].map((share) => [
              `scope:signaling_relay_duration_seconds:${share}_1m{scope="remote"}`,
              share,
            ]),
            unit: "s",
            limits: thresholds(0.1, 0.25),
            width: 12,
          }),
        ],
      },
      {
        title: "Is Redis healthy?",
        panels: [
          figure({
            title: "Redis",
            description: "Whether Redis answers its exporter.",
            queries: [["min(redis_up)", "redis"]],
            names: upDown,
            limits: thresholds(1, 0.999),
            width: 4,
            height: 8,
          }),
          lines({
            title: "Memory",
            description:
              "Used memory and its limit (0: no limit). The backplane stores nothing, so growth is in output buffers: a subscriber does not read.",
            queries: [
              ["redis_memory_used_bytes", "used"],
              ["redis_memory_max_bytes", "limit"],
            ],
            unit: "bytes",
            width: 10,
          }),
          lines({
            title: "Clients",
            description: "Connections to Redis: a publisher and a subscriber for each replica, and the exporter.",
            queries: [
              ["redis_connected_clients", "connected"],
              ["redis_blocked_clients", "blocked"],
            ],
            width: 10,
          }),
          lines({
            title: "Commands",
            description: "Commands per second. With publish and subscribe: signals across replicas, plus canaries.",
            queries: [["rate(redis_commands_processed_total[$__rate_interval])", "commands"]],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Network",
            description: "Bytes per second in and out. Out equals in, times the subscribers of each channel.",
            queries: [
              ["rate(redis_net_input_bytes_total[$__rate_interval])", "in"],
              ["rate(redis_net_output_bytes_total[$__rate_interval])", "out"],
            ],
            unit: "Bps",
            width: 8,
          }),
          lines({
            title: "CPU",
            description: "Cores used by Redis; commands run on one.",
            queries: [
              [
                "rate(redis_cpu_sys_seconds_total[$__rate_interval]) + rate(redis_cpu_user_seconds_total[$__rate_interval])",
                "cores",
              ],
            ],
            limits: thresholds(0.7, 0.9),
            width: 8,
          }),
          lines({
            title: "Channels and patterns",
            description: "Subscribed channels and patterns. Distinct patterns count, not their subscribers.",
            queries: [
              ["redis_pubsub_channels", "channels"],
              ["redis_pubsub_patterns", "patterns"],
            ],
            width: 8,
          }),
          lines({
            title: "Largest output buffer",
            description: "The largest output buffer of any client lately. A subscriber that does not keep up fills it.",
            queries: [["redis_client_recent_max_output_buffer_bytes", "bytes"]],
            unit: "bytes",
            width: 8,
          }),
          lines({
            title: "Slow readers disconnected (needs Redis 7.4)",
            description:
              "Clients that Redis disconnected for a full output buffer, in the last minute. Needs Redis 7.4: an older one does not count them, so the line stays at 0.",
            queries: [
              ["sum(increase(redis_client_output_buffer_limit_disconnections_total[1m])) or vector(0)", "clients"],
            ],
            limits: noneExpected(),
            width: 8,
          }),
        ],
      },
    ],
  });
