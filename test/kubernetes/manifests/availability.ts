import { defaultLimits } from "../../../ops/plan/plan.ts";
import { maxReplicas } from "../../../ops/ports.ts";
import { parseReplicas } from "../../../proxy/routing/replica-spec.ts";
import { schema as replica } from "../../../services/signaling/config.ts";
import { configMap, type KubernetesObject, namesPods, selects, workloads } from "./objects.ts";

/** Names in `REPLICAS`, as docs/kubernetes.md says: more than `make scale` reaches. */
const namedReplicas = Math.max(10, maxReplicas);
/** A drain takes this part of the grace period (services/signaling/replica.ts). */
const drainShare = 0.7;
/** Time for closes and the end of a pod after its drain, s. */
const marginS = 15;

/** Pods that may all be gone at once, that stay on one node, or that end before their clients have moved. */
export function availabilityProblems(objects: readonly KubernetesObject[]): string[] {
  return [...budgetProblems(objects), ...drainProblems(objects), ...nameProblems(objects)];
}

function budgetProblems(objects: readonly KubernetesObject[]): string[] {
  const budgets = objects.filter(({ kind }) => kind === "PodDisruptionBudget");
  return workloads(objects).flatMap(({ object, name, labels, pod }) => {
    const { replicas = 1, strategy } = object.spec;
    if (object.kind === "StatefulSet" && (name === "signaling" ? replicas < 3 : replicas !== 3))
      return [`${name}: ${replicas} pods, three are needed`];
    if (replicas === 1) {
      const two = name === "redis" && strategy?.type !== "Recreate";
      return two ? [`${name}: two servers at once split the replicas`] : [];
    }
    const problems: string[] = [];
    const own = budgets.filter(({ spec }) => selects(spec.selector?.matchLabels, labels));
    const budget = own[0]?.spec;
    const disrupted =
      budget?.minAvailable === undefined ? budget?.maxUnavailable : replicas - Number(budget.minAvailable);
    if (own.length !== 1 || own[0]?.metadata.name !== name) problems.push(`${own.length} budgets, one is needed`);
    else if (budget?.unhealthyPodEvictionPolicy !== "AlwaysAllow") problems.push("a broken pod would keep its node");
    else if (disrupted !== 1) problems.push(`its budget lets ${disrupted} pods go at once, not one`);
    if (object.kind === "Deployment" && strategy?.rollingUpdate?.maxUnavailable !== 0)
      problems.push("a roll takes a pod before its successor is ready");
    const spread = pod.topologySpreadConstraints ?? [];
    for (const key of ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]) {
      const found = spread.find(({ topologyKey }) => topologyKey === key);
      const matched = found?.labelSelector?.matchLabels;
      const held = found?.maxSkew === 1 && ["ScheduleAnyway", "DoNotSchedule"].includes(found.whenUnsatisfiable ?? "");
      if (!held || !namesPods(matched) || !selects(matched, labels)) problems.push(`is not spread by ${key}`);
    }
    return problems.map((problem) => `${name}: ${problem}`);
  });
}

function drainProblems(objects: readonly KubernetesObject[]): string[] {
  const settings = configMap(objects, "settings");
  const number = (name: "GRACE_MS" | "DRAIN_PER_SECOND") =>
    Number(settings[name] ?? replica.shape[name].parse(undefined));
  const pod = (wanted: string) => workloads(objects).find(({ name }) => name === wanted)?.pod;
  const [signaling, proxy] = [pod("signaling"), pod("proxy")];
  const graceS = number("GRACE_MS") / 1_000;
  const drainS = defaultLimits.drained / number("DRAIN_PER_SECOND");
  const [waits, seconds] = proxy?.containers[0]?.lifecycle?.preStop?.exec?.command ?? [];
  const preStopS = waits === "sleep" ? Number(seconds) : Number.NaN;
  const problems: string[] = [];
  if (!(Number(signaling?.terminationGracePeriodSeconds) >= Math.max(graceS, drainS) + marginS))
    problems.push(`signaling: terminationGracePeriodSeconds is below GRACE_MS, or a drain, and ${marginS} s`);
  if (!(drainS <= graceS * drainShare))
    problems.push(`signaling: a drain of ${defaultLimits.drained} sockets takes ${drainS} s of GRACE_MS`);
  if (!(Number(proxy?.terminationGracePeriodSeconds) >= graceS + preStopS + marginS))
    problems.push(`proxy: terminationGracePeriodSeconds is below preStop, GRACE_MS and ${marginS} s`);
  return problems;
}

/** Replicas that the proxies do not know. */
function nameProblems(objects: readonly KubernetesObject[]): string[] {
  const of = (wanted: string) => workloads(objects).find(({ name }) => name === wanted);
  const listed = of("proxy")?.pod.containers[0]?.env?.find(({ name }) => name === "REPLICAS")?.value ?? "";
  const count = Math.max(namedReplicas, of("signaling")?.object.spec.replicas ?? 0);
  try {
    const specs = parseReplicas(listed);
    const ids = specs.map(({ id }) => id);
    const elsewhere = specs.filter(({ url, readyUrl }) => url.pathname !== "/" || readyUrl.pathname !== "/readyz");
    if (elsewhere.length > 0) return [`REPLICAS: ${elsewhere[0]?.readyUrl} is no probe`];
    return Array.from({ length: count }, (_, at) => `signaling-${at}`)
      .filter((id) => !ids.includes(id))
      .map((id) => `REPLICAS has no ${id}`);
  } catch (error) {
    return [`REPLICAS: ${(error as Error).message}`];
  }
}
