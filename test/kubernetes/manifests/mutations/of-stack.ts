import { parse, stringify } from "yaml";
import { find, type Mutations, podOf, setEnv, spec } from "./edit.ts";

/** Faults of the base and the component monitoring in objects, settings and reach. */
export const ofStack: Mutations = {
  "publishNotReadyAddresses dropped": [
    (all) => delete spec(all, "Service", "signaling").publishNotReadyAddresses,
    /not ready/,
  ],
  "a Service's selector broken": [
    (all) => Object.assign(spec(all, "Service", "redis"), { selector: { app: "rediss" } }),
    /selects pods of 0/,
  ],
  "a budget's selector broken": [
    (all) => Object.assign(spec(all, "PodDisruptionBudget", "proxy"), { selector: { matchLabels: { app: "x" } } }),
    /selects no pod/,
  ],
  "a workload's selector broken": [
    (all) => Object.assign(spec(all, "Deployment", "proxy"), { selector: { matchLabels: { app: "x" } } }),
    /its own pods/,
  ],
  "the replicas' port changed on one side": [(all) => setEnv(all, "signaling", "PORT", "3001"), /PORT is 3001/],
  "a container's port changed": [
    (all) => Object.assign(podOf(all, "signaling").container.ports?.[0] ?? {}, { containerPort: 3001 }),
    /listens on port 3000/,
  ],
  "a name misspelled": [(all) => setEnv(all, "signaling", "REDIS_URL", "redis://rediss:6379"), /rediss/],
  "a variable that nothing reads": [
    (all) => podOf(all, "proxy").container.env?.push({ name: "STICKY_KEYS", value: "ip" }),
    /reads STICKY_KEYS/,
  ],
  "a setting that nothing reads": [
    (all) => Object.assign(find(all, "ConfigMap", "settings").data ?? {}, { GRACE: "1" }),
    /reads GRACE/,
  ],
  "a variable dropped": [(all) => podOf(all, "signaling").container.env?.splice(0, 1), /NODE_ID is not set/],
  "service links on": [(all) => delete podOf(all, "proxy").pod.enableServiceLinks, /enableServiceLinks/],
  "an API token mounted": [(all) => delete podOf(all, "redis").pod.automountServiceAccountToken, /token/],
  "a capability added": [
    (all) =>
      Object.assign(podOf(all, "caller").container.securityContext ?? {}, {
        capabilities: { drop: ["ALL"], add: ["NET_RAW"] },
      }),
    /restricted/,
  ],
  "root's user": [(all) => Object.assign(podOf(all, "redis").pod.securityContext ?? {}, { runAsUser: 0 }), /not root/],
  "a secret more": [
    (all) => podOf(all, "proxy").pod.volumes?.[0]?.secret?.items?.push({ key: "redis_password" }),
    /secrets/,
  ],
  "more memory than on compose": [
    (all) => Object.assign(podOf(all, "signaling").container.resources?.limits ?? {}, { memory: "1Gi" }),
    /memory/,
  ],
  "a drain cut short": [
    (all) => Object.assign(podOf(all, "signaling").pod, { terminationGracePeriodSeconds: 30 }),
    /GRACE_MS/,
  ],
  "PROXIES not the number of proxies": [
    (all) => Object.assign(spec(all, "Deployment", "proxy"), { replicas: 3 }),
    /PROXIES/,
  ],
  "more replicas than names": [
    (all) => Object.assign(spec(all, "StatefulSet", "signaling"), { replicas: 12 }),
    /REPLICAS has no signaling-11/,
  ],
  "clients' addresses hidden": [
    (all) => Object.assign(spec(all, "Service", "proxy"), { externalTrafficPolicy: "Cluster" }),
    /addresses/,
  ],
  "a policy too narrow": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "redis"), { ingress: [] }),
    /refused: signaling to redis/,
  ],
  "a policy too wide": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "redis"), { ingress: [{}] }),
    /needless: a stranger to redis/,
  ],
  "a job dropped": [
    (all) => {
      const { data = {} } = find(all, "ConfigMap", "prometheus-config");
      const config = parse(data["prometheus.yml"] ?? "");
      config.scrape_configs.splice(1, 1);
      data["prometheus.yml"] = stringify(config);
    },
    /jobs/,
  ],
};
