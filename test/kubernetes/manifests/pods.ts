import { type ComposeService, composeService } from "./compose.ts";
import { type Container, type KubernetesObject, type Probe, workloads } from "./objects.ts";

/** The default of `${NAME:-default}`, or the text itself. */
const defaultOf = (text: string) => /^\$\{\w+:-(.*)\}$/.exec(text)?.[1] ?? text;

/** Bytes of a quantity: `256Mi` on Kubernetes, `256m` on Compose. */
function bytes(quantity: string): number {
  const [, number, unit = ""] = /^(\d+)(Mi|Gi|m|g)$/.exec(quantity) ?? [];
  return Number(number) * (/^(Gi|g)$/.test(unit) ? 1 << 30 : 1 << 20);
}

const cores = (quantity: string) => (quantity.endsWith("m") ? Number(quantity.slice(0, -1)) / 1_000 : Number(quantity));

/** Programs that `make` kills inside their pods. */
const killed = ["signaling", "proxy", "redis", "sentinel", "nats"];

/** Programs that write elsewhere, or not at all. */
const withoutTmp = ["prometheus", "alertmanager", "redis-exporter"];

/** Paths of the probes. `/readyz` of a replica also answers for `degraded`; a replica that drains must not be restarted. */
const paths: Readonly<Record<string, { ready: string; live: string | undefined }>> = {
  signaling: { ready: "/readyz", live: "/healthz" },
  proxy: { ready: "/readyz", live: "/healthz" },
  caller: { ready: "/healthz", live: "/healthz" },
  board: { ready: "/healthz", live: "/healthz" },
  prometheus: { ready: "/-/ready", live: "/-/healthy" },
  alertmanager: { ready: "/-/ready", live: "/-/healthy" },
  "redis-exporter": { ready: "/health", live: undefined },
};

/** What differs from the `restricted` profile, and from the limits, images and secrets of compose.yaml. */
export function podProblems(objects: readonly KubernetesObject[]): string[] {
  return workloads(objects).flatMap(({ name, pod }) => {
    const problems: string[] = [];
    const expect = (holds: boolean, problem: string) => {
      if (!holds) problems.push(`${name}: ${problem}`);
    };
    const service = composeService(name, objects);
    const { runAsNonRoot, runAsUser, runAsGroup, fsGroup, seccompProfile } = pod.securityContext ?? {};
    expect(runAsNonRoot === true && Number(runAsUser) > 0, "must run as a user that is not root");
    expect(
      service.user === undefined || service.user.startsWith(`${runAsUser}:`),
      `user ${runAsUser} is not compose's`,
    );
    // Files of secrets are readable by their group alone.
    expect(Number(runAsGroup) > 0 && Number(fsGroup) > 0, "needs a group and a group of its files");
    expect((seccompProfile as { type?: string } | undefined)?.type === "RuntimeDefault", "needs a seccomp profile");
    expect(pod.automountServiceAccountToken === false, "must not mount a token of the API");
    expect(pod.enableServiceLinks === false, "enableServiceLinks sets PROXY_PORT to a URL");
    expect(
      (pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC ?? pod.initContainers) === undefined,
      "shares something of its node",
    );
    for (const volume of pod.volumes ?? [])
      expect(
        (volume.configMap ?? volume.secret ?? volume.emptyDir) !== undefined,
        `volume ${volume.name} is of another kind`,
      );
    expect(!killed.includes(name) || pod.shareProcessNamespace === true, "pid 1 cannot be killed from inside");
    for (const container of pod.containers) {
      expect(container.name === name, `container ${container.name} has another name`);
      expect(restricted(container), "container is not restricted");
      const mounts = container.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
      for (const path of [...writtenOn(service), ...(withoutTmp.includes(name) ? [] : ["/tmp"])])
        expect(mounts.includes(path), `needs ${path}, since its root cannot be written`);
      expect(
        JSON.stringify(container.command ?? []) === JSON.stringify(service.entrypoint ?? []),
        "command is not compose's",
      );
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
      expect(
        /[^/]:[\w.-]+$/.test(container.image) && !container.image.endsWith(":latest"),
        `image ${container.image} is not pinned`,
      );
      problems.push(...probeProblems(name, container).map((problem) => `${name}: ${problem}`));
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

/** Folders that a service of compose writes, beside /tmp. Its configuration is below /etc. */
function writtenOn({ volumes = [], tmpfs = [] }: ComposeService): string[] {
  return [...volumes, ...tmpfs]
    .flatMap((text) => /(?:^|:)(\/[^:]+)(?::[^:]*)?$/.exec(text)?.[1] ?? [])
    .filter((path) => !path.startsWith("/etc/") && path !== "/tmp");
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

function probeProblems(name: string, container: Container): string[] {
  const { startupProbe, readinessProbe, livenessProbe, ports = [] } = container;
  const wanted = paths[name];
  const problems: string[] = [];
  const check = (what: string, probe: Probe | undefined, path: string | undefined) => {
    if (probe === undefined) return problems.push(`needs a ${what} probe`);
    const { httpGet, tcpSocket, exec } = probe;
    const at = (httpGet ?? tcpSocket)?.port;
    if (exec === undefined && !ports.some((port) => port.name === at || port.containerPort === at))
      problems.push(`${what} probe at ${at}: no such port`);
    if (exec !== undefined && !/^sh -c .*(?:redis-cli|nc) /.test(exec.command?.join(" ") ?? ""))
      problems.push(`${what} probe asks nothing`);
    if (httpGet?.path !== path) problems.push(`${what} probe asks ${httpGet?.path}, not ${path}`);
    return problems.length;
  };
  check("readiness", readinessProbe, wanted?.ready);
  if (wanted === undefined || wanted.live !== undefined) {
    check("startup", startupProbe, wanted?.live);
    check("liveness", livenessProbe, wanted?.live);
  }
  return problems;
}
