import { type KubernetesObject, workloads } from "../objects.ts";

/** One fault in rendered objects, and what the checks say of it. */
export type Mutations = Readonly<
  Record<string, readonly [change: (objects: KubernetesObject[]) => void, found: RegExp]>
>;

/** The object whose name is `name`, with a hash behind it or none. */
export function find(objects: KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find(
    ({ kind: other, metadata }) =>
      other === kind && (metadata.name === name || metadata.name.replace(/-[a-z0-9]{10}$/, "") === name),
  );
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

export function spec(objects: KubernetesObject[], kind: string, name: string): KubernetesObject["spec"] {
  return find(objects, kind, name).spec;
}

/** A workload's pod and its container. */
export function podOf(objects: KubernetesObject[], name: string) {
  const found = workloads(objects).find((one) => one.name === name)?.pod;
  if (found?.containers[0] === undefined) throw new Error(`no pod ${name}`);
  return { pod: found, container: found.containers[0] };
}

/** The entry of a variable. */
export function envOf(objects: KubernetesObject[], name: string, variable: string) {
  const entry = podOf(objects, name).container.env?.find((one) => one.name === variable);
  if (entry === undefined) throw new Error(`no ${variable}`);
  return entry;
}

export function setEnv(objects: KubernetesObject[], name: string, variable: string, value: string): void {
  envOf(objects, name, variable).value = value;
}

/** The secrets that a pod mounts. */
export function secretItems(objects: KubernetesObject[], name: string) {
  const items = podOf(objects, name).pod.volumes?.flatMap(({ secret }) => secret?.items ?? []);
  if (items?.[0] === undefined) throw new Error(`${name} has no secret`);
  return items as [{ key: string; path?: string }];
}
