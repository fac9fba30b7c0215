import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import type { z } from "zod";
import { isSecret } from "../../../common/config.ts";
import { proxyConfig } from "../../../proxy/config.ts";
import { schema as board } from "../../../services/board/config.ts";
import { schema as caller } from "../../../services/caller/config.ts";
import { schema as replica } from "../../../services/signaling/config.ts";
import { composePrometheus, composeService, type PrometheusConfig } from "./compose.ts";
import { configMap, type KubernetesObject, workloads } from "./objects.ts";

const schemas: Readonly<Record<string, z.ZodObject>> = { signaling: replica, proxy: proxyConfig, caller, board };

/** Variables whose values differ from compose's, because names and addresses do. */
const ofKubernetes = [
  ...["NODE_ID", "ADMIN_HOST", "ADMIN_HOSTNAMES", "REPLICAS", "TARGET_URL", "BOARD_TARGETS"],
  ...["REDIS_NAME", "REDIS_ADDR", "REDIS_SENTINELS", "NATS_NAME", "NATS_SERVERS", "NATS_URL"],
];
/** Variables of redis/start.sh that only a StatefulSet needs. */
const ofStatefulRedis = ["POD_NAME", "REDIS_FIRST"];
/** Variables of compose's replicas that a stack on NATS does not have here. */
const ofRedis = ["REDIS_URL", "REDIS_USERNAME"];

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
      const composed = { ...composeService(name, objects).environment };
      if (given.get("BACKPLANE") === "nats") for (const one of ofRedis) delete composed[one];
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
          // The base has one server, a Redis.
          .filter((one) => !/SENTINELS|NATS_URL/.test(one) || !String(composed[one]).startsWith("${"))
          .map((one) => `${name}: ${one} is not set`),
      ];
    }),
    ...nameProblems(objects),
    ...numberProblems(objects, settings),
    ...prometheusProblems(objects),
  ];
}

/** Names and addresses that the pods go by. */
function nameProblems(objects: readonly KubernetesObject[]): string[] {
  const hasBoard = workloads(objects).some(({ name }) => name === "board");
  return workloads(objects).flatMap(({ name, object, pod }) => {
    const [container] = pod.containers;
    const env = (wanted: string) => container?.env?.find((one) => one.name === wanted)?.value;
    const domain = object.spec.serviceName;
    const wanted: Record<string, string> = {
      ...(name === "signaling" ? { ADMIN_HOSTNAMES: `$(NODE_ID).${domain}` } : {}),
      // The board asks the proxies by the name of their Service.
      ...(name === "proxy" && hasBoard ? { ADMIN_HOSTNAMES: "proxy-admin" } : {}),
      ...(env("ADMIN_HOST") === undefined ? {} : { ADMIN_HOST: "0.0.0.0" }),
      ...(container?.ports?.some((port) => port.name === "balanced") ? { PROXY_PROTOCOL_HOST: "0.0.0.0" } : {}),
      ...(env("REDIS_NAME") === undefined ? {} : { REDIS_NAME: `$(POD_NAME).${domain}`, REDIS_FIRST: "redis-0.redis" }),
    };
    const reads = !["signaling", "proxy"].includes(name) || container?.envFrom?.length === 1;
    return [
      ...Object.entries(wanted)
        .filter(([one, value]) => env(one) !== value)
        .map(([one, value]) => `${name}: ${one} is ${env(one)}, not ${value}`),
      ...(reads ? [] : [`${name}: does not read the settings`]),
    ];
  });
}

/** Numbers that must agree with each other. */
function numberProblems(objects: readonly KubernetesObject[], settings: Record<string, string>): string[] {
  const all = workloads(objects);
  const of = (wanted: string) => all.find(({ name }) => name === wanted);
  const proxy = of("proxy");
  if (proxy === undefined) return ["no proxy"];
  const problems: string[] = [];
  if (Number(settings["PROXIES"]) !== proxy.object.spec.replicas) problems.push("PROXIES is not the number of proxies");
  const balanced = proxy.pod.containers[0]?.env?.find((one) => one.name === "PROXY_PROTOCOL_PORT")?.value;
  const listener = proxy.pod.containers[0]?.ports?.find((one) => one.name === "balanced")?.containerPort;
  if (Number(balanced ?? 0) !== (listener ?? 0))
    problems.push(`PROXY_PROTOCOL_PORT is ${balanced}, the container's port ${listener}`);
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
  for (const { names = [] } of config.scrape_configs.flatMap(({ dns_sd_configs = [] }) => dns_sd_configs))
    for (const host of names.filter((one) => one !== "redis-exporter")) {
      const found = objects.find(({ kind, metadata }) => kind === "Service" && metadata.name === host)?.spec;
      if (found?.clusterIP !== "None" || found.publishNotReadyAddresses !== true)
        problems.push(`prometheus: ${host} does not name every pod`);
    }
  const count = workloads(objects).find(({ name }) => name === "signaling")?.object.spec.replicas;
  if (targets.length !== count) problems.push(`prometheus: ${targets.length} targets for ${count} replicas`);
  const regex = new RegExp(`^(?:${config.scrape_configs[0]?.relabel_configs?.[0]?.regex})$`);
  for (const [at, target] of targets.entries())
    if (regex.exec(target)?.[1] !== `signaling-${at}`) problems.push(`prometheus: ${target} gets no label replica`);
  return problems;
}
