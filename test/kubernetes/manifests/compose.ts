import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { KubernetesObject } from "./objects.ts";

const root = join(import.meta.dirname, "../../..");

/** A service of compose, with the fields that the checks read. */
export interface ComposeService {
  image: string;
  environment?: Record<string, string>;
  networks: string[] | Record<string, unknown>;
  secrets?: string[];
  mem_limit: string;
  cpus: number;
  command?: string[];
  entrypoint?: string[];
  user?: string;
  volumes?: string[];
  tmpfs?: string[];
}

type Overlay = Record<
  string,
  (Partial<ComposeService> & { extends?: { service: string }; onlySecrets?: string[] }) | null
>;

/** The service on compose that a workload corresponds to: the replicas are signaling-1 there. */
export function composeService(workload: string, objects: readonly KubernetesObject[]): ComposeService {
  const id = { signaling: "signaling-1", sentinel: "sentinel-1" }[workload] ?? workload;
  let service = compose.services[id];
  for (const overlay of overlaysOf(objects)) {
    const own = overlay[id];
    // `!reset null` takes a service away.
    if (own === undefined || own === null) continue;
    const base = own.extends === undefined ? service : compose.services[own.extends.service];
    service = {
      ...base,
      ...own,
      environment: { ...base?.environment, ...own.environment },
      secrets: own.onlySecrets ?? [...(base?.secrets ?? []), ...(own.secrets ?? [])],
    } as ComposeService;
  }
  if (service === undefined) throw new Error(`compose.yaml has no ${workload}`);
  return service;
}

/** The overlays of compose whose servers these objects have in place of the only Redis. */
function overlaysOf(objects: readonly KubernetesObject[]): readonly Overlay[] {
  const found = Object.entries(overlays).find(([server]) =>
    objects.some(({ kind, metadata }) => kind === "StatefulSet" && metadata.name === server),
  );
  return found?.[1] ?? [];
}

const readCompose = (path: string) => readFileSync(join(root, path), "utf8");
const compose = parse(readCompose("compose.yaml"), { merge: true }) as { services: Record<string, ComposeService> };
function readOverlay(name: string): Overlay {
  // Compose's own tags are unknown to the parser.
  const text = readCompose(`deploy/${name}/compose.yaml`)
    .replaceAll("secrets: !override", "onlySecrets:")
    .replaceAll(/!override|!reset/g, "");
  return (parse(text, { merge: true }) as { services: Overlay }).services;
}
const overlays = {
  sentinel: [readOverlay("redis-sentinel")],
  nats: [readOverlay("nats"), readOverlay("nats-cluster")],
};

/** Prometheus' configuration on compose. */
export const composePrometheus = parse(
  readFileSync(join(root, "prometheus/prometheus.yml"), "utf8"),
) as PrometheusConfig;
export interface PrometheusConfig {
  global: unknown;
  rule_files: string[];
  alerting: unknown;
  scrape_configs: {
    job_name: string;
    static_configs?: { targets: string[] }[];
    dns_sd_configs?: { names: string[]; port: number }[];
    relabel_configs?: { regex: string; target_label: string }[];
  }[];
}
