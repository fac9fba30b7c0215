import { envOf, find, type Mutations, podOf, secretItems, setEnv } from "./edit.ts";

/** Faults of pods: probes, limits, images, files, secrets. */
export const ofPods: Mutations = {
  "a readiness probe that asks whether it lives": [
    (all) => Object.assign(podOf(all, "signaling").container.readinessProbe?.httpGet ?? {}, { path: "/healthz" }),
    /readiness probe asks/,
  ],
  "a liveness probe that restarts a draining replica": [
    (all) => Object.assign(podOf(all, "signaling").container.livenessProbe?.httpGet ?? {}, { path: "/readyz" }),
    /liveness probe asks/,
  ],
  "a probe's path misspelled": [
    (all) => Object.assign(podOf(all, "proxy").container.startupProbe?.httpGet ?? {}, { path: "/health" }),
    /startup probe asks/,
  ],
  "a probe at a port that is not there": [
    (all) => Object.assign(podOf(all, "prometheus").container.readinessProbe?.httpGet ?? {}, { port: "admin" }),
    /no such port/,
  ],
  "no liveness probe": [(all) => delete podOf(all, "redis").container.livenessProbe, /needs a liveness probe/],
  "no readiness probe": [(all) => delete podOf(all, "caller").container.readinessProbe, /needs a readiness probe/],
  "an image without a tag": [
    (all) => Object.assign(podOf(all, "signaling").container, { image: "hold-the-line/signaling" }),
    /not pinned/,
  ],
  "an image that is the latest": [
    (all) => Object.assign(podOf(all, "proxy").container, { image: "hold-the-line/proxy:latest" }),
    /not pinned/,
  ],
  "another program's image": [
    (all) => Object.assign(podOf(all, "proxy").container, { image: "hold-the-line/signaling:0.1.0" }),
    /image/,
  ],
  "no resources": [(all) => delete podOf(all, "caller").container.resources, /memory limit undefined/],
  "no requests": [(all) => delete podOf(all, "proxy").container.resources?.requests, /needs requests/],
  "less CPU than on compose": [
    (all) => Object.assign(podOf(all, "signaling").container.resources?.limits ?? {}, { cpu: "500m" }),
    /CPU limit/,
  ],
  "a root that can be written": [
    (all) => Object.assign(podOf(all, "proxy").container.securityContext ?? {}, { readOnlyRootFilesystem: false }),
    /restricted/,
  ],
  "a privileged container": [
    (all) => Object.assign(podOf(all, "caller").container.securityContext ?? {}, { privileged: true }),
    /restricted/,
  ],
  "no seccomp profile": [(all) => delete podOf(all, "proxy").pod.securityContext?.["seccompProfile"], /seccomp/],
  "the node's network": [(all) => Object.assign(podOf(all, "proxy").pod, { hostNetwork: true }), /of its node/],
  "a folder of the node": [
    (all) => podOf(all, "redis").pod.volumes?.push({ name: "node", hostPath: { path: "/" } } as never),
    /volume node/,
  ],
  "a namespace that restricts nothing": [
    (all) => delete find(all, "Namespace", "hold-the-line").metadata.labels?.["pod-security.kubernetes.io/enforce"],
    /namespace is not restricted/,
  ],
  "a program that cannot be killed": [
    (all) => delete podOf(all, "signaling").pod.shareProcessNamespace,
    /cannot be killed/,
  ],
  "a key of the Secret renamed": [
    (all) => Object.assign(secretItems(all, "proxy")[0], { key: "admin_tokens" }),
    /the Secret has no admin_tokens/,
  ],
  "a secret mounted under another name": [
    (all) => Object.assign(secretItems(all, "signaling")[0], { path: "token" }),
    /admin_token is mounted as token/,
  ],
  "another Secret": [
    (all) =>
      Object.assign(podOf(all, "signaling").pod.volumes?.find(({ secret }) => secret)?.secret ?? {}, {
        secretName: "hold-the-lines",
      }),
    /no Secret hold-the-lines/,
  ],
  "secrets mounted elsewhere": [
    (all) => Object.assign(podOf(all, "signaling").container.volumeMounts?.[0] ?? {}, { mountPath: "/secrets" }),
    /not at \/run\/secrets/,
  ],
  "a secret's file misspelled": [
    (all) => setEnv(all, "caller", "TOKEN_FILE", "/run/secrets/caller_tokens"),
    /caller_tokens/,
  ],
  "the settings' ConfigMap misspelled": [
    (all) => Object.assign(podOf(all, "proxy").container.envFrom?.[0] ?? {}, { configMapRef: { name: "setting" } }),
    /no ConfigMap setting/,
  ],
  "a ConfigMap of files dropped": [
    (all) => all.splice(all.indexOf(find(all, "ConfigMap", "redis-files")), 1),
    /no ConfigMap redis-files/,
  ],
  "rules mounted elsewhere": [
    (all) => {
      for (const one of podOf(all, "prometheus").container.volumeMounts ?? [])
        if (one.name === "rules") one.mountPath = "/etc/prometheus/rule";
    },
    /rules is not mounted/,
  ],
  "the burn-rate file misspelled": [
    (all) => {
      for (const one of podOf(all, "prometheus").container.volumeMounts ?? [])
        if (one.name === "slo") one.subPath = "drills.yml";
    },
    /no drills.yml in slo/,
  ],
  "a script's path misspelled": [
    (all) => Object.assign(podOf(all, "redis").container, { command: ["sh", "/etc/redis/run.sh"] }),
    /run.sh is not mounted/,
  ],
  "a replica's name from another field": [
    (all) =>
      Object.assign(envOf(all, "signaling", "NODE_ID"), { valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } }),
    /NODE_ID is not metadata.name/,
  ],
  "a variable of a variable misspelled": [
    (all) => setEnv(all, "signaling", "ADMIN_HOSTNAMES", "$(NODE).signaling"),
    /no variable NODE/,
  ],
  "a variable misspelled": [
    (all) => Object.assign(envOf(all, "signaling", "REDIS_USERNAME"), { name: "REDIS_USER" }),
    /REDIS_USERNAME is undefined/,
  ],
  "an exporter's variable misspelled": [
    (all) => Object.assign(envOf(all, "redis-exporter", "REDIS_ADDR"), { name: "REDIS_ADDRESS" }),
    /reads REDIS_ADDRESS/,
  ],
  "a liveness probe that asks nothing": [
    (all) => Object.assign(podOf(all, "redis").container.livenessProbe?.exec ?? {}, { command: ["true"] }),
    /liveness probe asks nothing/,
  ],
  "another entry point": [(all) => podOf(all, "redis").container.command?.push("server"), /command is not compose's/],
  "another user": [
    (all) => Object.assign(podOf(all, "prometheus").pod.securityContext ?? {}, { runAsUser: 1000 }),
    /user 1000 is not compose's/,
  ],
  "secrets that nobody may read": [
    (all) => delete podOf(all, "signaling").pod.securityContext?.["fsGroup"],
    /group of its files/,
  ],
  "nothing that can be written": [(all) => podOf(all, "signaling").container.volumeMounts?.pop(), /needs \/tmp/],
  "a store that cannot be written": [
    (all) => podOf(all, "prometheus").container.volumeMounts?.pop(),
    /needs \/prometheus/,
  ],
  "a volume misspelled": [
    (all) => Object.assign(podOf(all, "proxy").container.volumeMounts?.[1] ?? {}, { name: "temp" }),
    /no volume temp/,
  ],
  "settings that are not read": [
    (all) => delete podOf(all, "signaling").container.envFrom,
    /does not read the settings/,
  ],
  "a replica that answers to no name": [
    (all) => setEnv(all, "signaling", "ADMIN_HOSTNAMES", "signaling"),
    /ADMIN_HOSTNAMES is signaling/,
  ],
  "an admin listener on the loopback": [
    (all) => setEnv(all, "proxy", "ADMIN_HOST", "127.0.0.1"),
    /ADMIN_HOST is 127.0.0.1/,
  ],
  "a variable without a value": [(all) => delete envOf(all, "caller", "TARGET_URL").value, /TARGET_URL has no value/],
  "an argument changed": [(all) => podOf(all, "alertmanager").container.args?.pop(), /arguments/],
};
