import { type Mutations, podOf, spec } from "./edit.ts";

type Objects = Parameters<Mutations[string][0]>[0];

/** Changes every port of a policy's rules in one direction. */
function movePorts(objects: Objects, name: string, direction: "ingress" | "egress", from: number, to: number): void {
  for (const { ports = [] } of spec(objects, "NetworkPolicy", name)[direction] ?? [])
    for (const one of ports) if (one.port === from) one.port = to;
}
const dropPolicy = (objects: Objects, name: string) =>
  objects.splice(
    objects.findIndex(({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name === name),
    1,
  );

/** Faults of policies, Services and labels: who reaches whom. */
export const ofReach: Mutations = {
  "a policy's port changed where a connection comes in": [
    (all) => movePorts(all, "signaling", "ingress", 3000, 3001),
    /refused: proxy to signaling:3000/,
  ],
  "a policy's port changed where a connection goes out": [
    (all) => movePorts(all, "proxy", "egress", 9100, 9101),
    /refused: proxy to signaling:9100/,
  ],
  "the clients' port changed in its policy": [
    (all) => movePorts(all, "proxy", "ingress", 8080, 8081),
    /refused: clients to proxy:8080/,
  ],
  "an exporter kept from Redis": [
    (all) => movePorts(all, "redis-exporter", "egress", 6379, 6380),
    /refused: redis-exporter to redis:6379/,
  ],
  "another protocol in a policy": [
    (all) => {
      for (const { ports = [] } of spec(all, "NetworkPolicy", "redis").ingress ?? [])
        for (const one of ports) one.protocol = "UDP";
    },
    /refused: signaling to redis:6379/,
  ],
  "no names": [(all) => dropPolicy(all, "dns"), /refused: proxy to DNS/],
  "names by TCP refused": [
    (all) => spec(all, "NetworkPolicy", "dns").egress?.[0]?.ports?.pop(),
    /refused: proxy to DNS/,
  ],
  "names at another port": [(all) => movePorts(all, "dns", "egress", 53, 5353), /refused: proxy to DNS/],
  "nothing denied": [(all) => dropPolicy(all, "deny"), /no policy denies the rest/],
  "a policy dropped": [(all) => dropPolicy(all, "signaling"), /refused: proxy to signaling/],
  "a policy of other pods": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "proxy"), { podSelector: { matchLabels: { app: "prox" } } }),
    /NetworkPolicy proxy: selects no pod/,
  ],
  "a policy's label changed on one side": [
    (all) =>
      Object.assign(spec(all, "NetworkPolicy", "redis").ingress?.[0] ?? {}, {
        from: [{ podSelector: { matchLabels: { backplane: "user" } } }],
      }),
    /a rule for no pod/,
  ],
  "a pod's label changed on one side": [
    (all) => Object.assign(spec(all, "StatefulSet", "signaling").template?.metadata.labels ?? {}, { backplane: "no" }),
    /refused: signaling to redis:6379/,
  ],
  "Prometheus' label dropped": [
    (all) => delete spec(all, "Deployment", "prometheus").template?.metadata.labels["admin"],
    /refused: prometheus to signaling:9100/,
  ],
  "the internet allowed": [(all) => spec(all, "NetworkPolicy", "signaling").egress?.push({}), /needless: signaling to/],
  "a rule to everywhere": [
    (all) => delete spec(all, "NetworkPolicy", "prometheus").egress?.[0]?.to,
    /NetworkPolicy prometheus: must name/,
  ],
  "a policy of every pod": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "redis"), { podSelector: {} }),
    /NetworkPolicy redis: must name/,
  ],
  "the clients' port moved": [
    (all) => Object.assign(spec(all, "Service", "proxy").ports?.[0] ?? {}, { port: 8080 }),
    /not at port 80/,
  ],
  "a rule for every port": [
    (all) => delete spec(all, "NetworkPolicy", "caller").ingress?.[0]?.ports,
    /NetworkPolicy caller: must name/,
  ],
  "a rule for every pod": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "proxy").egress?.[0]?.to?.[0] ?? {}, { podSelector: {} }),
    /NetworkPolicy proxy: must name/,
  ],
  "a direction misspelled": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "signaling"), { policyTypes: ["Ingres", "Egress"] }),
    /NetworkPolicy signaling: must name/,
  ],
  "one address for all proxies in Prometheus": [
    (all) => delete spec(all, "Service", "proxy-admin").clusterIP,
    /proxy-admin does not name every pod/,
  ],
  "a Service's port changed": [
    (all) => Object.assign(spec(all, "Service", "redis").ports?.[0] ?? {}, { port: 6380, targetPort: "redis" }),
    /no Service answers at redis:6379/,
  ],
  "a Service's target misspelled": [
    (all) => Object.assign(spec(all, "Service", "proxy").ports?.[0] ?? {}, { targetPort: "https" }),
    /no container listens/,
  ],
  "a Service with another protocol": [
    (all) => Object.assign(spec(all, "Service", "redis").ports?.[0] ?? {}, { protocol: "UDP" }),
    /no container listens/,
  ],
  "a Service with an address in place of the pods'": [
    (all) => delete spec(all, "Service", "signaling").clusterIP,
    /headless/,
  ],
  "a StatefulSet's Service misspelled": [
    (all) => Object.assign(spec(all, "StatefulSet", "signaling"), { serviceName: "signalling" }),
    /headless/,
  ],
  "a StatefulSet with the Service of others": [
    (all) => Object.assign(spec(all, "StatefulSet", "signaling"), { serviceName: "proxy-admin" }),
    /its Service has other pods/,
  ],
  "replicas that start one after the other": [
    (all) => Object.assign(spec(all, "StatefulSet", "signaling"), { podManagementPolicy: "OrderedReady" }),
    /in parallel/,
  ],
  "the names of two ports exchanged": [
    (all) => {
      const [http, admin] = podOf(all, "proxy").container.ports ?? [];
      Object.assign(http ?? {}, { name: "admin" });
      Object.assign(admin ?? {}, { name: "http" });
    },
    /refused: caller to proxy:9100/,
  ],
};
