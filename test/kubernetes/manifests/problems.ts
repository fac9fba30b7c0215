import { availabilityProblems } from "./availability.ts";
import type { KubernetesObject } from "./objects.ts";
import { podProblems } from "./pods.ts";
import { ruleProblems } from "./policies.ts";
import { referenceProblems, secretKeys } from "./references.ts";
import { settingProblems } from "./settings.ts";
import { policyProblems, selectorProblems } from "./wiring.ts";

const keys = secretKeys();

/** What is wrong with rendered objects, a line each. */
export function problemsOf(objects: readonly KubernetesObject[]): string[] {
  return [
    ...namespaceProblems(objects),
    ...selectorProblems(objects),
    ...podProblems(objects),
    ...referenceProblems(objects, keys),
    ...availabilityProblems(objects),
    ...settingProblems(objects),
    ...policyProblems(objects),
    ...ruleProblems(objects),
  ];
}

function namespaceProblems(objects: readonly KubernetesObject[]): string[] {
  const labels = objects.find(({ kind }) => kind === "Namespace")?.metadata.labels ?? {};
  return labels["pod-security.kubernetes.io/enforce"] === "restricted" ? [] : ["the namespace is not restricted"];
}
