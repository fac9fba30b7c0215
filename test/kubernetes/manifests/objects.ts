import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseAllDocuments, stringify } from "yaml";

const root = join(import.meta.dirname, "../../..");

export interface Probe {
  httpGet?: { path: string; port: string | number };
  tcpSocket?: { port: string | number };
  exec?: { command: string[] };
}
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  envFrom?: { configMapRef?: { name: string } }[];
  ports?: { name: string; containerPort: number; protocol?: string }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown>;
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop?: { exec?: { command: string[] } } };
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
}
export interface PodSpec {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  shareProcessNamespace?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: Record<string, unknown>;
  topologySpreadConstraints?: {
    topologyKey: string;
    maxSkew?: number;
    whenUnsatisfiable?: string;
    labelSelector?: { matchLabels?: Labels };
  }[];
  initContainers?: unknown[];
  containers: Container[];
  volumes?: Volume[];
}
export interface Volume {
  name: string;
  configMap?: { name: string };
  secret?: { secretName: string; items?: { key: string; path?: string }[] };
  emptyDir?: unknown;
}
type Labels = Record<string, string>;
export interface Peer {
  podSelector?: { matchLabels?: Labels };
  namespaceSelector?: unknown;
}
export interface PolicyPort {
  port?: number;
  protocol?: string;
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
    ports?: { name: string; port: number; targetPort?: string | number; protocol?: string }[];
    template?: { metadata: { labels: Labels }; spec: PodSpec };
    podSelector?: { matchLabels?: Labels };
    policyTypes?: string[];
    ingress?: { from?: Peer[]; ports?: PolicyPort[] }[];
    egress?: { to?: Peer[]; ports?: PolicyPort[] }[];
    strategy?: { type?: string; rollingUpdate?: { maxUnavailable?: number | string } };
    volumeClaimTemplates?: { metadata: { name: string } }[];
    maxUnavailable?: number | string;
    minAvailable?: number | string;
    unhealthyPodEvictionPolicy?: string;
  };
}

/** In the order in which an overlay lists them. */
const components = ["monitoring", "sentinel", "nats", "proxy-protocol", "board"] as const;

/** A component of deploy/kubernetes. */
export type Component = (typeof components)[number];

/** Every combination of components that can be applied. The board needs monitoring, and there is one kind of backplane. */
export const combinations: readonly (readonly Component[])[] = Array.from(
  { length: 2 ** components.length },
  (_, bits) => components.filter((_name, at) => (bits & (1 << at)) !== 0),
)
  .filter((chosen) => chosen.includes("monitoring") || !chosen.includes("board"))
  .filter((chosen) => !(chosen.includes("sentinel") && chosen.includes("nats")));

/** Renders a folder, given by its path from deploy/kubernetes or as absolute one, with kustomize. Its path is in KUSTOMIZE. */
export function render(folder: string): { text: string; objects: KubernetesObject[] } {
  const kustomize = process.env["KUSTOMIZE"];
  if (kustomize === undefined) throw new Error("KUSTOMIZE is not set: run make test-manifests");
  const text = execFileSync(kustomize, ["build", resolve(root, "deploy/kubernetes", folder)], {
    encoding: "utf8",
    maxBuffer: 16 << 20,
    stdio: ["ignore", "pipe", "pipe"],
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

/** True if a selector names pods at all, by a label or more. */
export function namesPods(selector: Labels | undefined): selector is Labels {
  return Object.values(selector ?? {}).some((value) => value !== undefined && value !== "");
}

/** The data of the ConfigMap whose generated name begins with `name`. */
export function configMap(objects: readonly KubernetesObject[], name: string): Record<string, string> {
  const found = objects.find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.replace(/-[a-z0-9]{10}$/, "") === name,
  );
  return found?.data ?? {};
}
