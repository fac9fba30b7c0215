import { buildDashboard } from "./dashboard.ts";
import { noneExpected, thresholds } from "./design.ts";
import { figure, lines } from "./panels.ts";
import { replicaStateBands } from "./shared-panels.ts";

/** The proxy: rate, errors and duration per replica, then what it decides, refuses and costs. */
export const proxy = () =>
  buildDashboard({
    uid: "htl-proxy",
    title: "Proxy",
    description:
      "The sticky proxy: requests, errors, duration per replica; tunnels; decisions; what it takes out and refuses.",
    byReplica: true,
    sections: [
      {
        title: "Requests, errors, duration",
        panels: [
          lines({
            title: "Requests",
            description:
              "HTTP requests answered per second and replica, long polls and upgrades included; none: answered by the proxy itself.",
            queries: [['replica:proxy_requests:rate30s{replica=~"$replica|none"}', "{{replica}}"]],
            unit: "reqps",
            width: 8,
          }),
          lines({
            title: "Errors",
            description:
              "Share of the requests answered 5xx. A dead replica costs nothing here: it is retried elsewhere.",
            queries: [['replica:proxy_requests_errors:ratio_rate1m{replica=~"$replica|none"}', "{{replica}}"]],
            unit: "percentunit",
            limits: thresholds(0.005, 0.05),
            width: 8,
          }),
          lines({
            title: "Duration, p50",
            description:
              "From request head to the end of the answer. Long polls wait for a signal or 25 s: the median is theirs where clients poll.",
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
            queries: [['proxy_tunnels{replica=~"$replica"}', "{{replica}}"]],
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
              "client-closed and replica-closed are orderly. Names of a failure (refused, reset, timeout) are tunnels cut with their replica.",
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
              "Why a request went where it went: session (its sid), the route key, new (a first visit), failover (its replica was not ready).",
            queries: [["sum by (decision) (rate(proxy_routes_total[$__rate_interval]))", "{{decision}}"]],
            unit: "reqps",
            width: 16,
          }),
        ],
      },
      {
        title: "What it takes out and refuses",
        panels: [
          replicaStateBands(12, 7),
          lines({
            title: "Ejections, 3 min",
            description:
              "Times that a replica was taken out. One is a replica that went down; two are one that flaps (ProxyEjections).",
            queries: [['increase(replica:proxy_replica_ejections:total{replica=~"$replica"}[3m])', "{{replica}}"]],
            limits: noneExpected(2),
            width: 12,
            height: 7,
          }),
          lines({
            title: "Retries",
            description: "Tries that failed at a replica and went on to the next one, per second. Nobody notices them.",
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
              "Requests that named a session whose replica is gone, answered so that the client opens a new one at once. A burst after a kill is normal.",
            queries: [["sum(rate(proxy_unknown_sessions_total[$__rate_interval]))", "unknown sessions"]],
            unit: "cps",
            limits: noneExpected(),
            width: 8,
          }),
        ],
      },
      {
        title: "What it costs",
        panels: [
          lines({
            title: "CPU",
            description: "Cores used by the proxy; it can use one.",
            queries: [['rate(process_cpu_seconds_total{job="proxy"}[$__rate_interval])', "cores"]],
            limits: thresholds(0.7, 0.9),
            width: 8,
          }),
          lines({
            title: "Event-loop lag",
            description: "How late the proxy's timers are: they are looked at every 50 ms, which is the floor.",
            queries: [
              ['nodejs_eventloop_lag_p50_seconds{job="proxy"}', "p50"],
              ['nodejs_eventloop_lag_p99_seconds{job="proxy"}', "p99"],
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
            description: "Share of the file descriptors that the proxy may have: two a tunnel.",
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
