import { maxReplicas, type PortOf } from "../../ports.ts";
import { replicaIds, replicaNumber } from "../../stack/replica-id.ts";

/**
 * Maps the compose network's names to addresses of this host: `signaling-2:9100` → `127.0.0.1:9102`. The files of
 * Prometheus and Alertmanager are written for the compose engine, and the process engine translates them.
 */
export function hostAddresses(port: PortOf): Readonly<Record<string, string>> {
  const at = (variable: string) => `127.0.0.1:${port(variable)}`;
  return {
    "proxy:9100": at("PROXY_ADMIN_PORT"),
    "proxy-2:9100": at("PROXY_2_ADMIN_PORT"),
    "balancer:8404": at("BALANCER_ADMIN_PORT"),
    "caller:9100": at("CALLER_ADMIN_PORT"),
    "board:9120": at("BOARD_PORT"),
    "prometheus:9090": at("PROMETHEUS_GUARDED_PORT"),
    "localhost:9090": at("PROMETHEUS_GUARDED_PORT"),
    "alertmanager:9093": at("ALERTMANAGER_GUARDED_PORT"),
    "redis-exporter:9121": at("REDIS_EXPORTER_PORT"),
    ...Object.fromEntries([2, 3, 4, 5, 6].map((n) => [`redis-exporter-${n}:9121`, at(`REDIS_EXPORTER_${n}_PORT`)])),
    ...Object.fromEntries(
      replicaIds(maxReplicas).map((id) => [`${id}:9100`, at(`SIGNALING_${replicaNumber(id)}_ADMIN_PORT`)]),
    ),
  };
}

/** `text` with every name of the compose network replaced. Longer names come first, and only whole names match. */
export function translate(text: string, addresses: Readonly<Record<string, string>>): string {
  const names = Object.keys(addresses).sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(?<![\\w.-])(${names.join("|")})(?!\\d)`, "g");
  return text.replace(pattern, (name) => addresses[name] ?? name);
}
