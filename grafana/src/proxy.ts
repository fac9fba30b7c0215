import { buildDashboard } from "./dashboard.ts";
import { noneExpected, thresholds } from "./design.ts";
import { figure, lines } from "./panels.ts";
import { replicaStateBands } from "./shared-panels.ts";

/** The proxy dashboard: rate, errors and duration per replica, then decisions, refusals and costs. */
export const proxy = () =>
  buildDashboard({
    uid: "htl-proxy",
    title: "Proxy",
    description:
      "The sticky proxy: requests, errors and duration per replica; tunnels; decisions; ejections and refusals.",
    byReplica: true,
    sections: [
      {
        title: "Requests, errors, duration",
        panels: [
          lines({
            title: "Requests",
            description:
              "HTTP requests answered per second and replica, long polls and upgrades included; none means that the proxy itself answered.",
            queries: [['replica:proxy_requests:rate30s{replica=~"$replica|none"}', "{{replica}}"]],
            unit: "reqps",
            width: 8,
          }),
          lines({
            title: "Errors",
            description:
              "Share of the requests answered 5xx. A dead replica causes none, because the proxy retries on another replica.",
            queries: [['replica:proxy_requests_errors:ratio_rate1m{replica=~"$replica|none"}', "{{replica}}"]],
            unit: "percentunit",
            limits: thresholds(0.005, 0.05),
            width: 8,
          }),
          lines({
            title: "Duration, p50",
            description:
              "From request head to the end of the answer. Long polls wait for a signal or 25 s, so with polling clients the median is that of polls.",
            queries: [
              [
                'histogram_quantile(0.5, sum by (replica, le) (rate(proxy_request_duration_seconds_bucket{replica=~"$replica"}[$__rate_interval])))',
                "{{replica}}",
              ],
            ],
            unit: "s",
            width: 8,
          }),
        ],
      },
      {
        title: "Tunnels",
        panels: [
          lines({
            title: "Tunnels",
            description: "Relayed WebSocket connections by replica. An even third each is normal.",
            queries: [['sum by (replica) (proxy_tunnels{replica=~"$replica"})', "{{replica}}"]],
            stacked: true,
            width: 8,
          }),
          lines({
            title: "Opened",
            description: "Tunnels opened per second and replica.",
            queries: [
              [
                'sum by (replica) (rate(proxy_tunnels_opened_total{replica=~"$replica"}[$__rate_interval]))',
                "{{replica}}",
              ],
            ],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Closed, by reason",
            description:
              "client-closed and replica-closed are orderly. ejected and shed are tunnels that the proxy closed because of their replica's state.",
            queries: [["sum by (reason) (rate(proxy_tunnels_closed_total[$__rate_interval]))", "{{reason}}"]],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Bytes relayed",
            description: "Bytes per second through tunnels: in from clients, out to clients.",
            queries: [["sum by (direction) (rate(proxy_bytes_total[$__rate_interval]))", "{{direction}}"]],
            unit: "Bps",
            width: 8,
          }),
          lines({
            title: "Route decisions",
            description:
              "How a request was routed: session (by its sid), by the route key, new (a first visit), failover (its first replica was not ready).",
            queries: [["sum by (decision) (rate(proxy_routes_total[$__rate_interval]))", "{{decision}}"]],
            unit: "reqps",
            width: 8,
          }),
          lines({
            title: "Tunnels by proxy",
            description: "Relayed WebSocket connections of each proxy. With two, one takes over what the other loses.",
            queries: [["sum by (instance) (proxy_tunnels)", "{{instance}}"]],
            stacked: true,
            width: 8,
          }),
        ],
      },
      {
        title: "Ejections and refusals",
        panels: [
          replicaStateBands(12, 7),
          lines({
            title: "Ejections, 3 min",
            description:
              "Ejections of a replica. One means that it went down; two or more mean that it flaps (ProxyEjections).",
            queries: [['increase(replica:proxy_replica_ejections:total{replica=~"$replica"}[3m])', "{{replica}}"]],
            limits: noneExpected(2),
            width: 12,
            height: 7,
          }),
          lines({
            title: "Retries",
            description:
              "Tries that failed at a replica and were repeated at the next one, per second. Clients do not notice them.",
            queries: [
              [
                'sum by (replica) (rate(proxy_retries_total{replica=~"$replica"}[$__rate_interval])) or 0 * group by (replica) (proxy_tunnels{replica=~"$replica"})',
                "{{replica}}",
              ],
            ],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Refused, by reason",
            description:
              "admission, client-rate, connections and no-replica: no room (ProxyRejecting). Others: malformed or forbidden requests.",
            queries: [
              [
                'sum by (reason) (rate(proxy_rejected_total[$__rate_interval])) or label_replace(vector(0), "reason", "none", "", "")',
                "{{reason}}",
              ],
            ],
            unit: "cps",
            width: 8,
          }),
          lines({
            title: "Unknown sessions",
            description:
              "Requests that named a session of a dead replica. The answer makes the client open a new session at once. A burst after a kill is normal.",
            queries: [["sum(rate(proxy_unknown_sessions_total[$__rate_interval]))", "unknown sessions"]],
            unit: "cps",
            limits: noneExpected(),
            width: 8,
          }),
          lines({
            title: "Stale names",
            description:
              "Names of replicas that do not resolve at a proxy, whose last addresses it keeps. Those of replicas that are down belong here; others: ProxyStaleNames.",
            queries: [["proxy_stale_names", "{{instance}}"]],
            limits: noneExpected(),
            width: 8,
          }),
        ],
      },
      {
        title: "Costs",
        panels: [
          lines({
            title: "CPU",
            description: "Cores used by each proxy; it can use one.",
            queries: [['rate(process_cpu_seconds_total{job="proxy"}[$__rate_interval])', "{{instance}}"]],
            limits: thresholds(0.7, 0.9),
            width: 8,
          }),
          lines({
            title: "Event-loop lag",
            description: "Delay of the proxy's timers. It is sampled every 50 ms, so 50 ms is the minimum shown.",
            queries: [
              ['nodejs_eventloop_lag_p50_seconds{job="proxy"}', "p50 {{instance}}"],
              ['nodejs_eventloop_lag_p99_seconds{job="proxy"}', "p99 {{instance}}"],
            ],
            unit: "s",
            limits: thresholds(0.1, 0.2),
            width: 8,
          }),
          figure({
            title: "Memory",
            description: "Resident memory of the proxy.",
            queries: [['process_resident_memory_bytes{job="proxy"}', "resident"]],
            unit: "bytes",
            decimals: 0,
            limits: thresholds(400e6, 800e6),
            width: 4,
            height: 8,
          }),
          figure({
            title: "Open files",
            description: "Used share of the proxy's file descriptors. A tunnel needs two.",
            queries: [['process_open_fds{job="proxy"} / process_max_fds{job="proxy"}', "used"]],
            unit: "percentunit",
            decimals: 1,
            limits: thresholds(0.7, 0.9),
            width: 4,
            height: 8,
          }),
        ],
      },
    ],
  });
