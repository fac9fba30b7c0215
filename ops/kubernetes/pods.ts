import { isNats, natsPort } from "../nats/ids.ts";
import type { ServiceId, ServiceStatus } from "../stack/engine.ts";
import { isProxy, proxyNumber } from "../stack/proxy-id.ts";
import type { Kubectl } from "./kubectl.ts";

/** A pod of the stack, by the id that the other engines give its service. */
export interface StackPod {
  id: ServiceId;
  /** The name of the pod. */
  name: string;
  uid: string;
  app: string;
  ready: boolean;
  state: ServiceStatus["state"];
  /** Exit code of the last run of its container; undefined while none has ended. */
  lastExit: number | undefined;
}

interface PodJson {
  metadata: {
    name: string;
    uid: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
  };
  status: {
    conditions?: { type: string; status: string }[];
    containerStatuses?: { state: { running?: unknown }; lastState?: { terminated?: { exitCode: number } } }[];
  };
}

/**
 * The pods of the stack: replicas by name, proxies by age as `proxy` and `proxy-2`, the others by their app. Redis
 * servers, Sentinels and NATS servers have the ids of the other engines: the pod `nats-0` is `nats`, `nats-1` is `nats-2`.
 *
 * @param options.ending true: also those that are being deleted
 */
export async function listPods(kubectl: Kubectl, options: { ending?: boolean } = {}): Promise<StackPod[]> {
  const { items } = JSON.parse(await kubectl.run("get", "pods", "--output", "json")) as { items: PodJson[] };
  return podsOf(items, options);
}

/** The same from the API's objects. */
export function podsOf(items: readonly PodJson[], { ending = false }: { ending?: boolean } = {}): StackPod[] {
  const kept = items
    .filter(({ metadata }) => metadata.labels?.["app"] !== undefined)
    .filter(({ metadata }) => ending || metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => key(a).localeCompare(key(b)));
  const seen = new Map<string, number>();
  return kept.map(({ metadata: { name, uid, labels }, status }) => {
    const app = labels?.["app"] ?? "";
    const number = (seen.get(app) ?? 0) + 1;
    seen.set(app, number);
    const [container] = status.containerStatuses ?? [];
    return {
      id: idOf(app, name, labels?.[podNameLabel] === undefined ? number : Number(name.slice(app.length + 1)) + 1),
      name,
      uid,
      app,
      ready: status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === true,
      state: container?.state.running === undefined ? "stopped" : "running",
      lastExit: container?.lastState?.terminated?.exitCode,
    };
  });
}

/** Kubernetes gives it to the pods of a StatefulSet, which keep their names. */
const podNameLabel = "statefulset.kubernetes.io/pod-name";

/** The id of an app's pod. `number` counts from 1: by the pods' own numbers where they have some, else by age. */
function idOf(app: string, name: string, number: number): ServiceId {
  if (app === "signaling") return name;
  // The first of the others has no number, except of Sentinels.
  return number === 1 && app !== "sentinel" ? app : `${app}-${number}`;
}

const key = ({ metadata }: PodJson) => `${metadata.creationTimestamp} ${metadata.name}`;

/** The beginning of the command line of an app's program, which a kill looks for. */
export function programOf(app: string): string {
  if (app === "redis" || app === "sentinel") return "redis-server";
  if (app === "nats") return "nats-server";
  return ["signaling", "proxy", "caller"].includes(app) ? "node" : app;
}

/** The variable of the host port that a service is reached at, and its port in the pod. */
export function forwardOf(id: ServiceId): [variable: string, port: number] | undefined {
  const replica = /^signaling-(\d+)$/.exec(id)?.[1];
  // Replicas are numbered from 0 here, and the variables from 1.
  if (replica !== undefined) return [`SIGNALING_${Number(replica) + 1}_ADMIN_PORT`, 9100];
  if (isProxy(id)) return [id === "proxy" ? "PROXY_ADMIN_PORT" : `PROXY_${proxyNumber(id)}_ADMIN_PORT`, 9100];
  if (isNats(id)) return [natsPort(id), 4222];
  if (id === "caller") return ["CALLER_ADMIN_PORT", 9100];
  if (id === "prometheus") return ["PROMETHEUS_PORT", 9090];
  if (id === "alertmanager") return ["ALERTMANAGER_PORT", 9093];
  return undefined;
}
