import { type Metric, metricsByComponent } from "./registries.ts";

/** Metrics of redis_exporter that dashboards and alerts use. */
const redisMetrics: readonly (readonly [name: string, meaning: string])[] = [
  ["redis_up", "1 while Redis answers the exporter"],
  ["redis_memory_used_bytes", "Memory that Redis has allocated"],
  ["redis_memory_max_bytes", "maxmemory; 0: no limit"],
  ["redis_connected_clients", "Client connections"],
  ["redis_blocked_clients", "Clients that wait in a blocking command"],
  ["redis_commands_processed_total", "Commands processed"],
  ["redis_net_input_bytes_total", "Bytes received"],
  ["redis_net_output_bytes_total", "Bytes sent"],
  ["redis_cpu_sys_seconds_total", "CPU seconds in the kernel"],
  ["redis_cpu_user_seconds_total", "CPU seconds in Redis itself"],
  ["redis_pubsub_channels", "Channels with a subscriber"],
  ["redis_pubsub_patterns", "Distinct subscribed patterns; not a count of subscribers"],
  ["redis_client_recent_max_output_buffer_bytes", "Largest output buffer of any client lately"],
  [
    "redis_client_output_buffer_limit_disconnections_total",
    "Clients disconnected for a full output buffer; needs Redis 7.4",
  ],
];

/** Names that the page documents for `redis_exporter`. */
export const redisMetricNames: readonly string[] = redisMetrics.map(([name]) => name);

/** docs/metrics.md: every metric, from the registries of the programs. */
export async function metricsPage(): Promise<string> {
  const components = await metricsByComponent();
  const sections = [
    ["Replica (`signaling_`)", "Scraped at `signaling-N:9100/metrics`, with the label `replica`.", components.replica],
    [
      "Proxy (`proxy_`)",
      "Scraped at `proxy:9100/metrics`; `replica` is the replica that the metric describes.",
      components.proxy,
    ],
    [
      "Caller (`caller_`, `chaos_`)",
      "Scraped at `caller:9100/metrics`. `chaos_*` are set by the ops CLI through its admin listener.",
      components.caller,
    ],
    ["Board (`board_`)", "Scraped at `board:9120/metrics`.", components.board],
    [
      "Every program",
      "prom-client's default metrics, exported by replica, proxy, caller and board alike.",
      components["every program"],
    ],
  ] as const;
  return `${[
    "# Metrics",
    "Made by `make dashboards` from the registries in proxy/metrics.ts, services/signaling/metrics.ts, services/caller/metrics.ts and services/board/metrics.ts: change it there. Base units; no room, peer or socket id is ever a label. Recording rules: prometheus/rules/recording.yml and prometheus/slo/.",
    ...sections.flatMap(([title, intro, metrics]) => [`## ${title}`, intro, table(metrics)]),
    "## Redis (`redis_`)",
    "From redis_exporter, which exports many more. Dashboards and alerts use these.",
    [
      "| metric | meaning |",
      "|---|---|",
      ...redisMetrics.map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    ].join("\n"),
  ].join("\n\n")}\n`;
}

function table(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, type, labels, help, buckets }) => {
    const about = [help, ...(buckets.length > 0 ? [`Buckets: ${buckets.join(", ")} s`] : [])].join(". ");
    const cells = [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(" "), about.replaceAll("|", "\\|")];
    return `| ${cells.join(" | ")} |`;
  });
  return ["| metric | type | labels | meaning |", "|---|---|---|---|", ...rows].join("\n");
}
