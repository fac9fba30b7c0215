import { parse } from "yaml";
import { parseReplicas } from "../../../proxy/routing/replica-spec.ts";
import { composeService, type PrometheusConfig } from "./compose.ts";
import {
  configMap,
  type KubernetesObject,
  namesPods,
  type Peer,
  type PodSpec,
  type PolicyPort,
  selects,
  workloads,
} from "./objects.ts";

/** One program connects to a port of another. */
interface Flow {
  from: string;
  to: string;
  port: number;
}

/** Selectors that select nothing, and Services whose ports no container has. */
export function selectorProblems(objects: readonly KubernetesObject[]): string[] {
  const pods = workloads(objects);
  return objects.flatMap(({ kind, metadata: { name }, spec }) => {
    const problem = (text: string) => [`${kind} ${name}: ${text}`];
    if (kind === "StatefulSet" || kind === "Deployment") {
      const own = spec.selector?.matchLabels;
      if (!namesPods(own) || !selects(own, spec.template?.metadata.labels ?? {}))
        return problem("does not select its own pods");
      if (kind === "Deployment") return [];
      const governing = objects.find((other) => other.kind === "Service" && other.metadata.name === spec.serviceName);
      if (governing?.spec.clusterIP !== "None" || governing.spec.publishNotReadyAddresses !== true)
        return problem("its Service must be headless and publish addresses that are not ready");
      if (!selects(governing.spec.selector, spec.template?.metadata.labels ?? {}))
        return problem("its Service has other pods");
      return spec.podManagementPolicy === "Parallel" ? [] : problem("must start its pods in parallel");
    }
    if (kind === "PodDisruptionBudget" || kind === "NetworkPolicy") {
      const labels = (kind === "NetworkPolicy" ? spec.podSelector : spec.selector)?.matchLabels;
      return pods.some((pod) => selects(labels, pod.labels)) ? [] : problem("selects no pod");
    }
    if (kind !== "Service") return [];
    if (!namesPods(spec.selector) || (spec.ports ?? []).some(({ name }) => name === undefined))
      return problem("needs a selector, and ports with names");
    if ((spec.ports ?? []).length === 0) return problem("has no port");
    const selected = pods.filter((pod) => selects(spec.selector, pod.labels));
    if (selected.length !== 1) return problem(`selects pods of ${selected.length} workloads`);
    if (spec.type === "LoadBalancer" && spec.externalTrafficPolicy !== "Local")
      return problem("hides the clients' addresses");
    if (spec.type === "LoadBalancer" && spec.ports?.[0]?.port !== 80) return problem("is not at port 80");
    const listening = selected[0]?.pod.containers.flatMap(({ ports = [] }) => ports) ?? [];
    return (spec.ports ?? [])
      .filter(
        ({ port, targetPort = port, protocol }) =>
          !isTcp({ protocol }) ||
          !listening.some((one) => isTcp(one) && (one.name === targetPort || one.containerPort === targetPort)),
      )
      .flatMap(({ port }) => problem(`no container listens on port ${port}`));
  });
}

/** Everything here speaks TCP. */
function isTcp({ protocol = "TCP" }: { protocol?: string | undefined }): boolean {
  return protocol === "TCP";
}

/** Where the settings make programs connect to, by the names in them. Throws for a name that no Service has. */
function neededFlows(objects: readonly KubernetesObject[]): Flow[] {
  const services = objects.filter(({ kind }) => kind === "Service");
  const pods = workloads(objects);
  const flow = (from: string, host: string, port: number): Flow => {
    const [first = "", second] = host.split(".");
    const service = services.find(({ metadata }) => metadata.name === (second ?? first));
    const to = pods.find(({ labels }) => service !== undefined && selects(service.spec.selector, labels));
    const entry = service?.spec.ports?.find((one) => one.port === port);
    if (to === undefined || entry === undefined) throw new Error(`${from}: no Service answers at ${host}:${port}`);
    const target = to.pod.containers
      .flatMap(({ ports = [] }) => ports)
      .find((one) => one.name === entry.targetPort || one.containerPort === (entry.targetPort ?? port));
    return { from, to: to.name, port: target?.containerPort ?? port };
  };
  const flows: Flow[] = [];
  const addUrl = (from: string, url: URL) => flows.push(flow(from, url.hostname, Number(url.port || 80)));
  for (const { name, pod } of pods)
    for (const { name: variable, value = "" } of pod.containers.flatMap(({ env = [] }) => env)) {
      if (variable === "REPLICAS")
        for (const { url, readyUrl } of parseReplicas(value)) [url, readyUrl].map((one) => addUrl(name, one));
      else if (variable === "NATS_SERVERS") for (const host of value.split(" ")) flows.push(flow(name, host, 6_222));
      else
        for (const [, url = ""] of value.matchAll(/(?:^|,|=)((?:http|redis|nats):\/\/[^,]+)/g))
          addUrl(name, new URL(url));
    }
  // redis/start.sh: Sentinels ask every server and each other, and the servers copy each other.
  const mode = (pod: PodSpec) => pod.containers[0]?.command?.[2];
  for (const { name, pod } of pods) {
    if (mode(pod) === "server") flows.push(flow(name, "redis", 6379));
    if (mode(pod) === "sentinel") flows.push(flow(name, "redis", 6379), flow(name, "sentinel", 26_379));
  }
  const alertmanager = configMap(objects, "alertmanager-config")["alertmanager.yml"] ?? "";
  for (const [, url = ""] of alertmanager.matchAll(/url: (http\S+)/g)) addUrl("alertmanager", new URL(url));
  const prometheus = configMap(objects, "prometheus-config")["prometheus.yml"];
  if (prometheus !== undefined)
    for (const { static_configs = [], dns_sd_configs = [] } of (parse(prometheus) as PrometheusConfig).scrape_configs) {
      for (const target of static_configs.flatMap(({ targets }) => targets))
        addUrl("prometheus", new URL(`http://${target}`));
      for (const { names, port } of dns_sd_configs)
        for (const host of names.filter((one) => one !== "redis-exporter" || hasRedis(pods)))
          flows.push(flow("prometheus", host, port));
    }
  return flows;
}

/** The component nats takes Redis and its exporter away. */
function hasRedis(pods: readonly { name: string }[]): boolean {
  return pods.some(({ name }) => name === "redis");
}

/** Labels of a pod that belongs to no workload. */
const stranger: Record<string, string> = {};

/** What the policies say of a connection: whether its source may open it, and whether its target may take it. */
export function rulesFor(
  objects: readonly KubernetesObject[],
  { from, to, port }: Flow,
): { out: boolean; into: boolean } {
  const labels = new Map(workloads(objects).map((one) => [one.name, one.labels]));
  const [source = stranger, target = stranger] = [labels.get(from), labels.get(to)];
  const policies = objects.filter(({ kind }) => kind === "NetworkPolicy");
  const covers = (peers: Peer[] | undefined, ports: PolicyPort[] | undefined, other: Record<string, string>) =>
    (ports === undefined || ports.some((one) => one.port === port && isTcp(one))) &&
    (peers === undefined ||
      peers.some((peer) => peer.namespaceSelector === undefined && selects(peer.podSelector?.matchLabels, other)));
  const of = (type: string, own: Record<string, string>) =>
    policies.filter(({ spec }) => spec.policyTypes?.includes(type) && selects(spec.podSelector?.matchLabels, own));
  const out = of("Egress", source);
  const into = of("Ingress", target);
  return {
    out: out.length === 0 || out.some(({ spec }) => spec.egress?.some((rule) => covers(rule.to, rule.ports, target))),
    into:
      into.length === 0 || into.some(({ spec }) => spec.ingress?.some((rule) => covers(rule.from, rule.ports, source))),
  };
}

/** True if two services have a network of compose.yaml in common. */
function shareNetwork(objects: readonly KubernetesObject[], one: string, other: string): boolean {
  const networks = (name: string) => {
    const given = composeService(name, objects).networks;
    return Array.isArray(given) ? given : Object.keys(given);
  };
  return networks(one).some((network) => networks(other).includes(network));
}

/** The port of the proxies' pods that the balancer in front connects to. */
export function clientsPort(objects: readonly KubernetesObject[]): number | undefined {
  const target = objects.find(({ spec }) => spec?.type === "LoadBalancer")?.spec.ports?.[0]?.targetPort;
  const proxy = workloads(objects).find(({ name }) => name === "proxy");
  return proxy?.pod.containers[0]?.ports?.find(({ name }) => name === target)?.containerPort;
}

/** Connections that the settings need and the policies refuse, and those that they allow beyond compose's networks. */
export function policyProblems(objects: readonly KubernetesObject[]): string[] {
  let needed: Flow[];
  try {
    needed = neededFlows(objects);
  } catch (error) {
    return [(error as Error).message];
  }
  const told = ({ from, to, port }: Flow) => `${from} to ${to}:${port}`;
  const refused = needed
    .filter((flow) => Object.values(rulesFor(objects, flow)).includes(false))
    .map((flow) => `refused: ${told(flow)}`);
  const pods = workloads(objects);
  const listening = pods.flatMap(({ name, pod }) =>
    pod.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => ({ to: name, port: containerPort }))),
  );
  const wider = [...pods.map(({ name }) => name), "a stranger"]
    .flatMap((from) => listening.map((one): Flow => ({ from, ...one })))
    // The clients' port is open to everyone on both.
    .filter((flow) => !(flow.to === "proxy" && flow.port === clientsPort(objects)))
    .filter((flow) => {
      const { out, into } = rulesFor(objects, flow);
      const wanted = needed.some((one) => told(one) === told(flow));
      const apart = flow.from !== flow.to && (flow.from === "a stranger" || !shareNetwork(objects, flow.from, flow.to));
      return (into || (out && flow.from !== "a stranger")) && (!wanted || apart);
    })
    .map((flow) => `needless: ${told(flow)}`);
  return [...new Set([...refused, ...wider])];
}
