import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { combinations, type KubernetesObject, render, renderWith, workloads } from "./objects.ts";
import { podProblems } from "./pods.ts";
import { settingProblems } from "./settings.ts";
import { policyProblems, selectorProblems } from "./wiring.ts";

const root = join(import.meta.dirname, "../../..");
const rendered = new Map(
  combinations.map((components) => [["base", ...components].join(" + "), renderWith(components)] as const),
);
const full = () =>
  structuredClone(rendered.get("base + monitoring + sentinel + proxy-protocol + board")?.objects ?? []);
const monitored = () => structuredClone(rendered.get("base + monitoring")?.objects ?? []);
/** `kubectl apply` keeps each object in an annotation, whose maximum is 256 KiB. */
const annotationBytes = 262_144;

function problemsOf(objects: KubernetesObject[]): string[] {
  return [
    ...selectorProblems(objects),
    ...podProblems(objects),
    ...settingProblems(objects),
    ...policyProblems(objects),
  ];
}

/** What the strict decoder says of a text: nothing, or the unknown field. Its path is in MANIFEST_DECODER. */
function decode(text: string): string {
  const decoder = process.env["MANIFEST_DECODER"];
  if (decoder === undefined) throw new Error("MANIFEST_DECODER is not set: run make test-manifests");
  try {
    execFileSync(decoder, { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe.each([...rendered.keys()])("%s", (folder) => {
  const { text = "", objects = [] } = rendered.get(folder) ?? {};

  test("is what compose.yaml, the settings and the reach of the networks say", () => {
    expect(workloads(objects).length).toBeGreaterThan(2);
    expect(problemsOf(objects)).toEqual([]);
  });

  test("decodes strictly with the types of a current Kubernetes", () => {
    expect(decode(text)).toBe("");
  });

  test("can be applied by kubectl: all in one namespace, none too large for its annotation", () => {
    const outside = objects.filter(
      ({ kind, metadata }) => kind !== "Namespace" && metadata.namespace !== "hold-the-line",
    );
    const large = objects.filter((object) => JSON.stringify(object).length > annotationBytes);
    expect([...outside, ...large].map(({ metadata }) => metadata.name)).toEqual([]);
  });
});

test("the folder `monitored` is the base with monitoring", () => {
  expect(render("monitored").text).toBe(rendered.get("base + monitoring")?.text);
});

test("the ConfigMaps hold every rule file, every file of Redis and every dashboard", () => {
  const data = new Set(monitored().flatMap((object) => Object.keys(object.data ?? {})));
  const files = ["prometheus/rules", "prometheus/slo", "redis", "grafana/dashboards"].flatMap((folder) =>
    readdirSync(join(root, folder)),
  );
  // No application runs here in place of the replicas, and no Redis Cluster.
  const elsewhere = ["kustomization.yaml", "app.acl", "cluster.acl", "cluster.conf", "join-cluster.sh"];
  const missing = files.filter((file) => !data.has(file) && !elsewhere.includes(file));
  expect(missing).toEqual([]);
});

type Change = (objects: KubernetesObject[]) => void;
const find = (objects: KubernetesObject[], kind: string, name: string) => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name.startsWith(name));
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};
const spec = (objects: KubernetesObject[], kind: string, name: string) => find(objects, kind, name).spec;
const podOf = (objects: KubernetesObject[], name: string) => {
  const found = workloads(objects).find((one) => one.name === name)?.pod;
  if (found?.containers[0] === undefined) throw new Error(`no pod ${name}`);
  return { pod: found, container: found.containers[0] };
};
const setEnv = (objects: KubernetesObject[], name: string, variable: string, value: string) => {
  const entry = podOf(objects, name).container.env?.find((one) => one.name === variable);
  if (entry === undefined) throw new Error(`no ${variable}`);
  entry.value = value;
};
const mutations: Record<string, [Change, RegExp]> = {
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

const mutationsOfComponents: typeof mutations = {
  "the Sentinels' names misspelled": [
    (all) => setEnv(all, "signaling", "REDIS_SENTINELS", "redis://sentinel-0.sentinels:26379"),
    /sentinels/,
  ],
  "the Sentinels' port changed on one side": [
    (all) => Object.assign(podOf(all, "sentinel").container.ports?.[0] ?? {}, { containerPort: 26380 }),
    /listens on port 26379/,
  ],
  "Redis servers without their names": [
    (all) => delete spec(all, "Service", "redis").publishNotReadyAddresses,
    /not ready/,
  ],
  "servers that may not copy each other": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "redis-servers"), { egress: [] }),
    /refused: redis to redis:6379/,
  ],
  "Sentinels that may not meet": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "sentinels"), { ingress: [] }),
    /refused: sentinel to sentinel:26379/,
  ],
  "a Sentinel's secret less": [(all) => podOf(all, "sentinel").pod.volumes?.[1]?.secret?.items?.pop(), /secrets/],
  "the listener of the PROXY protocol moved on one side": [
    (all) => setEnv(all, "proxy", "PROXY_PROTOCOL_PORT", "8082"),
    /PROXY_PROTOCOL_PORT is 8082/,
  ],
  "the plain port open to all beside the PROXY protocol": [
    (all) => spec(all, "NetworkPolicy", "proxy").ingress?.push({ ports: [{ port: 8080 }] }),
    /needless: a stranger to proxy:8080/,
  ],
  "callers that send no PROXY header to its listener": [
    (all) => setEnv(all, "caller", "TARGET_URL", "http://proxy"),
    /needless: caller to proxy:8080/,
  ],
  "the board kept from Prometheus": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "board-to-prometheus"), { ingress: [] }),
    /refused: board to prometheus:9090/,
  ],
  "the board open to all": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "board"), { ingress: [{}] }),
    /needless: a stranger to board/,
  ],
};

test.each([
  ...Object.entries(mutations).map(([name, [change, wanted]]) => [name, change, wanted, monitored] as const),
  ...Object.entries(mutationsOfComponents).map(([name, [change, wanted]]) => [name, change, wanted, full] as const),
])("a mutation is found: %s", (_, change, wanted, given) => {
  const objects = given();
  change(objects);
  expect(problemsOf(objects).join("\n")).toMatch(wanted);
});

test.each([
  ["publishNotReadyAddresses", "publishNotReadyAdresses"],
  ["terminationGracePeriodSeconds", "terminationGraceSeconds"],
  ["podManagementPolicy: Parallel", "podManagement: Parallel"],
  ["externalTrafficPolicy", "externalTraffic"],
  ["readOnlyRootFilesystem", "readOnlyRootFileSystem"],
])("a misspelled field is found: %s", (field, misspelled) => {
  const text = rendered.get("base")?.text ?? "";
  expect(text).toContain(field);
  expect(decode(text.replace(field, misspelled))).toContain("unknown field");
});
