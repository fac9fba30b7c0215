import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import type { z } from "zod";
import { isSecret } from "../../../common/config.ts";
import { proxyConfig } from "../../../proxy/config.ts";
import { parseReplicas } from "../../../proxy/routing/replica-spec.ts";
import { schema as board } from "../../../services/board/config.ts";
import { schema as caller } from "../../../services/caller/config.ts";
import { schema as replica } from "../../../services/signaling/config.ts";
import {
  composePrometheus,
  composeService,
  configMap,
  type KubernetesObject,
  type PrometheusConfig,
  workloads,
} from "./objects.ts";

const schemas: Readonly<Record<string, z.ZodObject>> = { signaling: replica, proxy: proxyConfig, caller, board };

/** Variables whose values differ from compose's, because names and addresses do. */
const ofKubernetes = [
  ...["NODE_ID", "ADMIN_HOST", "ADMIN_HOSTNAMES", "REPLICAS", "TARGET_URL", "BOARD_TARGETS"],
  ...["REDIS_NAME", "REDIS_ADDR", "REDIS_SENTINELS"],
];
/** Variables of redis/start.sh that only a StatefulSet needs. */
const ofStatefulRedis = ["POD_NAME", "REDIS_FIRST"];

const names = (schema: z.ZodObject) =>
  Object.entries(schema.shape).flatMap(([name, field]) => (isSecret(field) ? [name, `${name}_FILE`] : [name]));

/** What differs between the variables of the pods and those of compose.yaml and of the programs. */
export function settingProblems(objects: readonly KubernetesObject[]): string[] {
  const settings = configMap(objects, "settings");
  const shared = new Set([...names(replica), ...names(proxyConfig)]);
  const unread = Object.keys(settings).filter((name) => !shared.has(name));
  return [
    ...unread.map((name) => `settings: no program reads ${name}`),
    ...workloads(objects).flatMap(({ name, pod }) => {
      const given = new Map(pod.containers.flatMap(({ env = [] }) => env.map((one) => [one.name, one.value] as const)));
      const composed = composeService(name, objects).environment ?? {};
      const schema = schemas[name];
      const known = schema === undefined ? [...Object.keys(composed), ...ofStatefulRedis] : names(schema);
      const fixed = Object.entries(composed).filter(
        ([variable, value]) => !String(value).startsWith("${") && !/^no_proxy$/i.test(variable),
      );
      return [
        ...[...given.keys()].filter((one) => !known.includes(one)).map((one) => `${name}: nothing reads ${one}`),
        ...fixed
          .filter(([one, value]) => !ofKubernetes.includes(one) && given.get(one) !== String(value))
          .map(([one, value]) => `${name}: ${one} is ${given.get(one)}, on compose ${value}`),
        ...ofKubernetes
          .filter((one) => one in composed && !given.has(one) && one !== "ADMIN_HOSTNAMES")
          // The base has one server.
          .filter((one) => one !== "REDIS_SENTINELS" || !String(composed[one]).startsWith("${"))
          .map((one) => `${name}: ${one} is not set`),
      ];
    }),
    ...numberProblems(objects, settings),
    ...prometheusProblems(objects),
  ];
}

/** Numbers that must agree with each other. */
function numberProblems(objects: readonly KubernetesObject[], settings: Record<string, string>): string[] {
  const all = workloads(objects);
  const of = (wanted: string) => all.find(({ name }) => name === wanted);
  const [signaling, proxy] = [of("signaling"), of("proxy")];
  if (signaling === undefined || proxy === undefined) return ["no signaling or no proxy"];
  const problems: string[] = [];
  const graceS = Number(settings["GRACE_MS"]) / 1_000;
  const preStopS = Number(proxy.pod.containers[0]?.lifecycle?.preStop?.exec?.command[1]);
  if (!(Number(signaling.pod.terminationGracePeriodSeconds) >= graceS + 15))
    problems.push("signaling: terminationGracePeriodSeconds is below GRACE_MS and 15 s");
  if (!(Number(proxy.pod.terminationGracePeriodSeconds) >= graceS + preStopS + 15))
    problems.push("proxy: terminationGracePeriodSeconds is below preStop, GRACE_MS and 15 s");
  if (Number(settings["PROXIES"]) !== proxy.object.spec.replicas) problems.push("PROXIES is not the number of proxies");
  const balanced = proxy.pod.containers[0]?.env?.find((one) => one.name === "PROXY_PROTOCOL_PORT")?.value;
  const listener = proxy.pod.containers[0]?.ports?.find((one) => one.name === "balanced")?.containerPort;
  if (balanced !== undefined && Number(balanced) !== listener)
    problems.push(`PROXY_PROTOCOL_PORT is ${balanced}, the container's port ${listener}`);
  const listed = proxy.pod.containers[0]?.env?.find(({ name }) => name === "REPLICAS")?.value ?? "";
  const replicas = Array.from({ length: signaling.object.spec.replicas ?? 0 }, (_, at) => `signaling-${at}`);
  const specs = parseReplicas(listed);
  for (const id of replicas) if (!specs.some((spec) => spec.id === id)) problems.push(`REPLICAS has no ${id}`);
  return problems;
}

/** Jobs of compose alone: the cluster's load balancer is not ours, and the board's component may be left out. */
const ofCompose = ["board", "balancer"];

/** What differs between Prometheus' configuration here and on compose. */
function prometheusProblems(objects: readonly KubernetesObject[]): string[] {
  const text = configMap(objects, "prometheus-config")["prometheus.yml"];
  if (text === undefined) return [];
  const config = parse(text) as PrometheusConfig;
  const problems: string[] = [];
  for (const part of ["global", "rule_files", "alerting"] as const)
    if (!isDeepStrictEqual(config[part], composePrometheus[part]))
      problems.push(`prometheus: ${part} is not compose's`);
  const jobs = ({ scrape_configs }: PrometheusConfig) =>
    scrape_configs.map(({ job_name }) => job_name).filter((job) => !ofCompose.includes(job));
  if (!isDeepStrictEqual(jobs(config), jobs(composePrometheus)))
    problems.push("prometheus: the jobs are not compose's");
  const targets = config.scrape_configs[0]?.static_configs?.[0]?.targets ?? [];
  const count = workloads(objects).find(({ name }) => name === "signaling")?.object.spec.replicas;
  if (targets.length !== count) problems.push(`prometheus: ${targets.length} targets for ${count} replicas`);
  const regex = new RegExp(`^(?:${config.scrape_configs[0]?.relabel_configs?.[0]?.regex})$`);
  for (const [at, target] of targets.entries())
    if (regex.exec(target)?.[1] !== `signaling-${at}`) problems.push(`prometheus: ${target} gets no label replica`);
  return problems;
}
