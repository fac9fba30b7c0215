import { type Container, composeService, type KubernetesObject, workloads } from "./objects.ts";

/** The default of `${NAME:-default}`, or the text itself. */
const defaultOf = (text: string) => /^\$\{\w+:-(.*)\}$/.exec(text)?.[1] ?? text;

/** Bytes of a quantity: `256Mi` on Kubernetes, `256m` on Compose. */
function bytes(quantity: string): number {
  const [, number, unit = ""] = /^(\d+)(Mi|Gi|m|g)$/.exec(quantity) ?? [];
  return Number(number) * (/^(Gi|g)$/.test(unit) ? 1 << 30 : 1 << 20);
}

const cores = (quantity: string) => (quantity.endsWith("m") ? Number(quantity.slice(0, -1)) / 1_000 : Number(quantity));

/** What differs from the `restricted` profile, and from the limits, images and secrets of compose.yaml. */
export function podProblems(objects: readonly KubernetesObject[]): string[] {
  return workloads(objects).flatMap(({ name, pod }) => {
    const problems: string[] = [];
    const expect = (holds: boolean, problem: string) => {
      if (!holds) problems.push(`${name}: ${problem}`);
    };
    const service = composeService(name, objects);
    const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext ?? {};
    expect(runAsNonRoot === true && Number(runAsUser) > 0, "must run as a user that is not root");
    expect((seccompProfile as { type?: string } | undefined)?.type === "RuntimeDefault", "needs a seccomp profile");
    expect(pod.automountServiceAccountToken === false, "must not mount a token of the API");
    expect(pod.enableServiceLinks === false, "enableServiceLinks sets PROXY_PORT to a URL");
    for (const container of pod.containers) {
      expect(restricted(container), "container is not restricted");
      const { requests = {}, limits = {} } = container.resources ?? {};
      expect(
        bytes(limits["memory"] ?? "") === bytes(service.mem_limit),
        `memory limit ${limits["memory"]} is not compose's`,
      );
      expect(cores(limits["cpu"] ?? "") === service.cpus, `CPU limit ${limits["cpu"]} is not compose's`);
      expect(requests["memory"] === limits["memory"] && requests["cpu"] !== undefined, "needs requests");
      const ours = /^hold-the-line\/([a-z-]+):/.exec(service.image)?.[1];
      const wanted = ours === undefined ? defaultOf(service.image) : `hold-the-line/${ours}`;
      expect(container.image.replace(ours === undefined ? "" : /:[^:]*$/, "") === wanted, `image ${container.image}`);
      expect(container.readinessProbe !== undefined, "needs a readiness probe");
      expect(
        JSON.stringify(container.args ?? []) === JSON.stringify(service.command ?? []),
        "arguments are not compose's",
      );
    }
    const secrets = (pod.volumes ?? []).flatMap(
      ({ secret }) => secret?.items?.map(({ key }) => key) ?? (secret ? ["all"] : []),
    );
    expect(
      secrets.sort().join() === [...(service.secrets ?? [])].sort().join(),
      `secrets ${secrets} are not compose's`,
    );
    return problems;
  });
}

function restricted({ securityContext = {} }: Container): boolean {
  const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities, privileged } = securityContext;
  const { drop, add } = (capabilities ?? {}) as { drop?: string[]; add?: string[] };
  return (
    allowPrivilegeEscalation === false &&
    readOnlyRootFilesystem === true &&
    privileged === undefined &&
    drop?.join() === "ALL" &&
    add === undefined
  );
}
