import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { composePrometheus } from "./compose.ts";
import { type KubernetesObject, type Volume, workloads } from "./objects.ts";

const root = join(import.meta.dirname, "../../..");

/** Folders that hold only what is mounted there. */
const mounted = /\/(?:etc\/(?:redis|nats|prometheus|alertmanager)|run\/secrets)\/[\w./-]*\w/g;
/** Variables of the pod itself. */
const fields: Readonly<Record<string, string>> = {
  NODE_ID: "metadata.name",
  POD_NAME: "metadata.name",
  NATS_NAME: "metadata.name",
};

/** Keys of the Secret that deploy/kubernetes/secret.sh makes. */
export function secretKeys(): string[] {
  // ops/sh/secrets.sh writes the files below the working directory.
  const scratch = mkdtempSync(join(tmpdir(), "secret-"));
  try {
    const text = execFileSync(
      "sh",
      ["-c", 'cp -r "$1/ops" "$1/deploy" . && sh ops/sh/secrets.sh && exec sh deploy/kubernetes/secret.sh', "sh", root],
      { cwd: scratch, encoding: "utf8" },
    );
    return Object.keys((parse(text) as { data: Record<string, string> }).data);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** References to what does not exist: ConfigMaps, secrets, files, variables, fields of the pod. */
export function referenceProblems(objects: readonly KubernetesObject[], keys: readonly string[]): string[] {
  const maps = new Map(
    objects.filter(({ kind }) => kind === "ConfigMap").map(({ metadata, data = {} }) => [metadata.name, data] as const),
  );
  return workloads(objects).flatMap(({ name, pod, object }) => {
    const problems: string[] = [];
    const claims = (object.spec.volumeClaimTemplates ?? []).map(({ metadata }): Volume => ({ name: metadata.name }));
    const volumes = [...(pod.volumes ?? []), ...claims];
    for (const { configMap, secret } of volumes) {
      if (configMap !== undefined && !maps.has(configMap.name)) problems.push(`no ConfigMap ${configMap.name}`);
      if (secret !== undefined && secret.secretName !== "hold-the-line")
        problems.push(`no Secret ${secret.secretName}`);
      for (const { key, path } of secret?.items ?? []) {
        if (!keys.includes(key)) problems.push(`the Secret has no ${key}`);
        if (path !== key) problems.push(`${key} is mounted as ${path}`);
      }
    }
    for (const { env = [], envFrom = [], volumeMounts = [], command = [], args = [], ...probes } of pod.containers) {
      for (const { configMapRef } of envFrom)
        if (!maps.has(configMapRef?.name ?? "")) problems.push(`no ConfigMap ${configMapRef?.name}`);
      for (const { name: variable, value, valueFrom } of env)
        if ((value ?? valueFrom) === undefined) problems.push(`${variable} has no value`);
        else if (fields[variable] !== valueFrom?.fieldRef?.fieldPath)
          problems.push(`${variable} is not ${fields[variable]}`);
      const known = env.map((one) => one.name);
      const values = env.flatMap(({ value }) => value ?? []);
      for (const [, variable = ""] of [...values, ...args].join(" ").matchAll(/\$\((\w+)\)/g))
        if (!known.includes(variable)) problems.push(`no variable ${variable}`);
      const files = volumeMounts.flatMap(({ name: volume, mountPath, subPath }) =>
        filesOf(volumes, maps, volume).map((file) => (subPath === file ? mountPath : join(mountPath, file))),
      );
      if ((pod.volumes ?? []).some(({ secret }) => secret) && !files.some((file) => file.startsWith("/run/secrets/")))
        problems.push("the secrets are not at /run/secrets");
      for (const { name: volume, mountPath } of volumeMounts)
        if (mountPath === undefined || !volumes.some((one) => one.name === volume))
          problems.push(`no volume ${volume} for ${mountPath}`);
      for (const { name: volume, mountPath, subPath } of volumeMounts)
        if (subPath !== undefined && !filesOf(volumes, maps, volume).includes(subPath))
          problems.push(`${mountPath}: no ${subPath} in ${volume}`);
      const texts = [...values, ...command, ...args, JSON.stringify(probes)];
      if (name === "prometheus") texts.push(...composePrometheus.rule_files.map((file) => file.replace("/*.yml", "")));
      for (const file of new Set(texts.flatMap((text) => text.match(mounted) ?? [])))
        if (!files.some((one) => one === file || one.startsWith(`${file}/`))) problems.push(`${file} is not mounted`);
    }
    return problems.map((problem) => `${name}: ${problem}`);
  });
}

/** Names of the files of a volume. */
function filesOf(
  volumes: readonly Volume[],
  maps: ReadonlyMap<string, Record<string, string>>,
  name: string,
): string[] {
  const found = volumes.find((volume) => volume.name === name);
  if (found?.secret !== undefined) return (found.secret.items ?? []).map(({ key, path = key }) => path);
  return Object.keys(maps.get(found?.configMap?.name ?? "") ?? {});
}
