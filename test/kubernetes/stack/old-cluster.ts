import type { KubernetesObject } from "../manifests/objects.ts";

/** Groups whose current version the test's Kubernetes 1.20 does not serve. The fields are the same. */
const versions: Readonly<Record<string, string>> = { "policy/v1": "policy/v1beta1" };
/** Fields of `spec` that it does not know. */
const unknown = ["unhealthyPodEvictionPolicy"];

/** The objects for a Kubernetes 1.20, and what was changed for it, a line for each kind of change. */
export function forOldCluster(objects: readonly KubernetesObject[]): {
  objects: KubernetesObject[];
  changes: string[];
} {
  const changes = new Set<string>();
  const changed = structuredClone(objects) as KubernetesObject[];
  for (const object of changed) {
    const version = versions[object.apiVersion];
    if (version !== undefined) {
      changes.add(`${object.kind}: ${object.apiVersion} is ${version}`);
      object.apiVersion = version;
    }
    for (const field of unknown.filter((name) => name in (object.spec ?? {}))) {
      changes.add(`${object.kind}: no ${field}`);
      delete (object.spec as Record<string, unknown>)[field];
    }
  }
  return { objects: changed, changes: [...changes].sort() };
}
