import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

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

/** Renders a folder of deploy/kubernetes with kustomize. The path of the program is in KUSTOMIZE. */
export function render(folder: string): { text: string; objects: KubernetesObject[] } {
  const kustomize = process.env["KUSTOMIZE"];
  if (kustomize === undefined) throw new Error("KUSTOMIZE is not set: run make test-manifests");
  const text = execFileSync(kustomize, ["build", join(root, "deploy/kubernetes", folder)], {
    encoding: "utf8",
    maxBuffer: 16 << 20,
  });
  return { text, objects: parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject) };
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

/** The service of compose.yaml that a workload corresponds to: the replicas are signaling-1 there. */
export function composeService(workload: string): ComposeService {
  const service = compose.services[workload === "signaling" ? "signaling-1" : workload];
  if (service === undefined) throw new Error(`compose.yaml has no ${workload}`);
  return service;
}
const compose = parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true }) as {
  services: Record<string, ComposeService>;
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
