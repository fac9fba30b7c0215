import { envOf, find, type Mutations, podOf, setEnv, spec } from "./edit.ts";

/** Faults that show when pods go: budgets, spread, drains, names. */
export const ofAvailability: Mutations = {
  "a drain slower than the grace period": [
    (all) => Object.assign(find(all, "ConfigMap", "settings").data ?? {}, { DRAIN_PER_SECOND: "20" }),
    /a drain, and 15 s/,
  ],
  "a longer GRACE_MS than the pod's": [
    (all) => Object.assign(find(all, "ConfigMap", "settings").data ?? {}, { GRACE_MS: "90000" }),
    /GRACE_MS, or a drain, and 15 s/,
  ],
  "a shorter GRACE_MS than a drain": [
    (all) => Object.assign(find(all, "ConfigMap", "settings").data ?? {}, { GRACE_MS: "30000" }),
    /4200 sockets takes 42 s/,
  ],
  "a margin a second short": [
    (all) => Object.assign(podOf(all, "signaling").pod, { terminationGracePeriodSeconds: 74 }),
    /terminationGracePeriodSeconds is below GRACE_MS/,
  ],
  "a proxy's end cut short": [
    (all) => Object.assign(podOf(all, "proxy").pod, { terminationGracePeriodSeconds: 79 }),
    /below preStop/,
  ],
  "no wait before a proxy's end": [(all) => delete podOf(all, "proxy").container.lifecycle, /below preStop/],
  "a budget of another's pods": [
    (all) => Object.assign(spec(all, "PodDisruptionBudget", "proxy"), { selector: { matchLabels: { app: "redis" } } }),
    /proxy: 0 budgets/,
  ],
  "a budget of all pods": [
    (all) => Object.assign(spec(all, "PodDisruptionBudget", "proxy"), { selector: {} }),
    /signaling: 2 budgets/,
  ],
  "a budget that lets two go": [
    (all) => Object.assign(spec(all, "PodDisruptionBudget", "signaling"), { maxUnavailable: 2 }),
    /lets 2 pods go/,
  ],
  "a budget that lets none go": [
    (all) => Object.assign(spec(all, "PodDisruptionBudget", "signaling"), { maxUnavailable: 0 }),
    /lets 0 pods go/,
  ],
  "no budget": [
    (all) => all.splice(all.indexOf(find(all, "PodDisruptionBudget", "signaling")), 1),
    /signaling: 0 budgets/,
  ],
  "a spread over another's pods": [
    (all) => {
      for (const one of podOf(all, "signaling").pod.topologySpreadConstraints ?? [])
        one.labelSelector = { matchLabels: { app: "proxy" } };
    },
    /not spread by kubernetes.io\/hostname/,
  ],
  "no spread over zones": [
    (all) => podOf(all, "proxy").pod.topologySpreadConstraints?.pop(),
    /not spread by topology.kubernetes.io\/zone/,
  ],
  "a spread that allows all on one node": [
    (all) => {
      for (const one of podOf(all, "signaling").pod.topologySpreadConstraints ?? []) one.maxSkew = 3;
    },
    /not spread by kubernetes.io\/hostname/,
  ],
  "a budget that lets a broken pod keep its node": [
    (all) => delete spec(all, "PodDisruptionBudget", "proxy").unhealthyPodEvictionPolicy,
    /a broken pod would keep its node/,
  ],
  "two replicas": [
    (all) => Object.assign(spec(all, "StatefulSet", "signaling"), { replicas: 2 }),
    /2 pods, three are needed/,
  ],
  "a probe of another path in REPLICAS": [
    (all) => {
      const entry = envOf(all, "proxy", "REPLICAS");
      entry.value = entry.value?.replace("/readyz", "/ready") ?? "";
    },
    /REPLICAS: .*\/ready is no probe/,
  ],
  "a roll that takes a proxy first": [
    (all) => Object.assign(spec(all, "Deployment", "proxy"), { strategy: { rollingUpdate: { maxUnavailable: 1 } } }),
    /before its successor/,
  ],
  "two Redis servers in an update": [(all) => delete spec(all, "Deployment", "redis").strategy, /two servers at once/],
  "fewer names than replicas can be": [
    (all) =>
      setEnv(
        all,
        "proxy",
        "REPLICAS",
        "signaling-{0..3}=http://signaling-{0..3}.signaling:3000|http://signaling-{0..3}.signaling:9100/readyz",
      ),
    /REPLICAS has no signaling-4/,
  ],
  "names that are not the pods'": [
    (all) =>
      setEnv(
        all,
        "proxy",
        "REPLICAS",
        "signaling-{1..10}=http://signaling-{1..10}.signaling:3000|http://signaling-{1..10}.signaling:9100/readyz",
      ),
    /REPLICAS has no signaling-0/,
  ],
  "names that cannot be read": [
    (all) => setEnv(all, "proxy", "REPLICAS", "signaling-{0..9}"),
    /REPLICAS: .*is not id=http/,
  ],
};
