import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";

const root = join(import.meta.dirname, "../../..");

interface Probe {
  httpGet?: { path: string; port: string | number };
}
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: { configMapRef?: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown>;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop?: { exec?: { command: string[] } } };
  volumeMounts?: { name: string; mountPath: string }[];
}
export interface PodSpec {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: Record<string, unknown>;
  containers: Container[];
  volumes?: {
    name: string;
    configMap?: { name: string };
    secret?: { secretName: string; items?: { key: string }[] };
  }[];
}
type Labels = Record<string, string>;
export interface Peer {
  podSelector?: { matchLabels?: Labels };
  namespaceSelector?: unknown;
}
export interface PolicyPort {
  port?: number;
}

/** A rendered object, with the fields that the checks read. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
  data?: Record<string, string>;
  spec: {
    replicas?: number;
    serviceName?: string;
    podManagementPolicy?: string;
    clusterIP?: string;
    publishNotReadyAddresses?: boolean;
    type?: string;
    externalTrafficPolicy?: string;
    selector?: Labels & { matchLabels?: Labels };
    ports?: { name: string; port: number; targetPort?: string | number }[];
    template?: { metadata: { labels: Labels }; spec: PodSpec };
    podSelector?: { matchLabels?: Labels };
    policyTypes?: string[];
    ingress?: { from?: Peer[]; ports?: PolicyPort[] }[];
    egress?: { to?: Peer[]; ports?: PolicyPort[] }[];
    maxUnavailable?: number;
  };
}

/** In the order in which an overlay lists them. */
const components = ["monitoring", "sentinel", "proxy-protocol", "board"] as const;

/** A component of deploy/kubernetes. */
export type Component = (typeof components)[number];

/** Every combination of components that can be applied. The board needs monitoring. */
export const combinations: readonly (readonly Component[])[] = Array.from(
  { length: 2 ** components.length },
  (_, bits) => components.filter((_name, at) => (bits & (1 << at)) !== 0),
).filter((chosen) => chosen.includes("monitoring") || !chosen.includes("board"));

/** Renders a folder, given by its path from deploy/kubernetes or as absolute one, with kustomize. Its path is in KUSTOMIZE. */
export function render(folder: string): { text: string; objects: KubernetesObject[] } {
  const kustomize = process.env["KUSTOMIZE"];
  if (kustomize === undefined) throw new Error("KUSTOMIZE is not set: run make test-manifests");
  const text = execFileSync(kustomize, ["build", resolve(root, "deploy/kubernetes", folder)], {
    encoding: "utf8",
    maxBuffer: 16 << 20,
  });
  return { text, objects: parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject) };
}

/** Renders the base with these components, as an overlay of a user would. */
export function renderWith(chosen: readonly Component[]): { text: string; objects: KubernetesObject[] } {
  const overlay = realpathSync(mkdtempSync(join(tmpdir(), "overlay-")));
  const at = (name: string) => relative(overlay, join(root, "deploy/kubernetes", name));
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    namespace: "hold-the-line",
    resources: [at("base")],
    components: chosen.map(at),
  };
  try {
    writeFileSync(join(overlay, "kustomization.yaml"), stringify(kustomization));
    return render(overlay);
  } finally {
    rmSync(overlay, { recursive: true });
  }
}

/** The objects that run pods. */
export function workloads(objects: readonly KubernetesObject[]) {
  return objects.flatMap((object) => {
    const template = object.spec?.template;
    return template === undefined
      ? []
      : [{ object, name: object.metadata.name, labels: template.metadata.labels, pod: template.spec }];
  });
}

/** True if a selector's labels are all among the pod's. An empty selector matches every pod. */
export function selects(selector: Labels | undefined, labels: Labels): boolean {
  return Object.entries(selector ?? {}).every(([name, value]) => labels[name] === value);
}

/** The data of the ConfigMap whose generated name begins with `name`. */
export function configMap(objects: readonly KubernetesObject[], name: string): Record<string, string> {
  const found = objects.find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.replace(/-[a-z0-9]{10}$/, "") === name,
  );
  return found?.data ?? {};
}

interface ComposeService {
  image: string;
  environment?: Record<string, string>;
  networks: string[] | Record<string, unknown>;
  secrets?: string[];
  mem_limit: string;
  cpus: number;
  command?: string[];
}

/** The service on compose that a workload corresponds to: the replicas are signaling-1 there. */
export function composeService(workload: string, objects: readonly KubernetesObject[]): ComposeService {
  const id = { signaling: "signaling-1", sentinel: "sentinel-1" }[workload] ?? workload;
  const failsOver = objects.some(({ metadata }) => metadata.name === "sentinel");
  const own = failsOver ? overlay.services[id] : undefined;
  const base = compose.services[own?.extends?.service ?? id];
  if (base === undefined) throw new Error(`compose.yaml has no ${workload}`);
  if (own === undefined) return base;
  return {
    ...base,
    ...own,
    environment: { ...base.environment, ...own.environment },
    secrets: own.onlySecrets ?? [...(base.secrets ?? []), ...(own.secrets ?? [])],
  };
}
const readCompose = (path: string) => readFileSync(join(root, path), "utf8");
const compose = parse(readCompose("compose.yaml"), { merge: true }) as { services: Record<string, ComposeService> };
/** deploy/redis-sentinel. Compose's own tags are unknown to the parser. */
const overlay = parse(
  readCompose("deploy/redis-sentinel/compose.yaml")
    .replaceAll("secrets: !override", "onlySecrets:")
    .replaceAll(/!override|!reset/g, ""),
  { merge: true },
) as {
  services: Record<string, Partial<ComposeService> & { extends?: { service: string }; onlySecrets?: string[] }>;
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
