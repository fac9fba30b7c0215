import { isDeepStrictEqual } from "node:util";
import { type KubernetesObject, namesPods, type Peer, selects, workloads } from "./objects.ts";
import { clientsPort, rulesFor } from "./wiring.ts";

/** Rules for pods that no workload has, pods that may not ask for names, and the clients' port where it is closed. */
export function ruleProblems(objects: readonly KubernetesObject[]): string[] {
  const pods = workloads(objects);
  const policies = objects.filter(({ kind }) => kind === "NetworkPolicy");
  const idle = policies.flatMap(({ metadata: { name }, spec }) => {
    const peers = [
      ...(spec.ingress ?? []).flatMap(({ from = [] }) => from),
      ...(spec.egress ?? []).flatMap(({ to = [] }) => to),
    ];
    return peers
      .filter((peer) => peer.namespaceSelector === undefined && !ofMonitoring(peer, pods))
      .filter((peer) => !pods.some(({ labels }) => selects(peer.podSelector?.matchLabels, labels)))
      .map((peer) => `NetworkPolicy ${name}: a rule for no pod, ${JSON.stringify(peer.podSelector?.matchLabels)}`);
  });
  const asks = (labels: Record<string, string>, protocol: string) =>
    policies.some(
      ({ spec }) =>
        selects(spec.podSelector?.matchLabels, labels) &&
        spec.egress?.some(
          ({ to, ports }) =>
            to?.some((peer) => isDeepStrictEqual(peer, { namespaceSelector: dnsNamespace })) &&
            ports?.some((one) => one.port === 53 && one.protocol === protocol),
        ),
    );
  const mute = pods
    .filter(({ labels }) => !["UDP", "TCP"].every((protocol) => asks(labels, protocol)))
    .map(({ name }) => `refused: ${name} to DNS`);
  // Also for pods that are no part of this stack.
  const denied = policies.some(
    ({ spec }) =>
      isDeepStrictEqual(spec.podSelector, {}) &&
      spec.policyTypes?.length === 2 &&
      spec.ingress === undefined &&
      spec.egress === undefined,
  );
  const port = clientsPort(objects);
  const open = port !== undefined && rulesFor(objects, { from: "a stranger", to: "proxy", port }).into;
  const wide = policies.flatMap(({ metadata: { name }, spec }) => {
    const rules = [
      ...(spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports, into: true })),
      ...(spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports, into: false })),
    ];
    const bad = rules.filter(({ peers = [], ports = [], into }) => {
      // The clients' port alone is open to everyone.
      const clients = into && ports.length === 1 && ports[0]?.port === port && peers.length === 0;
      return !clients && (peers.length === 0 || !peers.every(isNamed) || !ports.some((one) => one.port !== undefined));
    });
    const { podSelector, policyTypes = [] } = spec;
    const vague =
      (!namesPods(podSelector?.matchLabels) && !forAllPods.includes(name)) ||
      policyTypes.length === 0 ||
      policyTypes.some((one) => !directions.includes(one));
    return vague || bad.length > 0 ? [`NetworkPolicy ${name}: must name pods, directions, peers and ports`] : [];
  });
  return [
    ...wide,
    ...idle,
    ...mute,
    ...(denied ? [] : ["no policy denies the rest"]),
    ...(open ? [] : [`refused: clients to proxy:${port}`]),
  ];
}

/** True for a peer of the component monitoring where that is left out: rules for it stand in the base. */
function ofMonitoring({ podSelector }: Peer, pods: readonly { name: string }[]): boolean {
  const { admin, app } = podSelector?.matchLabels ?? {};
  return (admin === "client" || app === "caller") && !pods.some(({ name }) => name === "prometheus");
}

/** True for a peer that is not everyone. */
function isNamed(peer: Peer): boolean {
  return isDeepStrictEqual(peer, { namespaceSelector: dnsNamespace }) || namesPods(peer.podSelector?.matchLabels);
}

const forAllPods = ["deny", "dns"];
const directions = ["Ingress", "Egress"];
const dnsNamespace = { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } };
