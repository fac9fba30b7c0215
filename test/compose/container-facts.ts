import { readFileSync } from "node:fs";
import { type ComposeStack, type Container, docker } from "./compose-stack.ts";

/** A line of `/proc/<pid>/status` of a container's first process. */
export function status({ Id }: Container, field: string): string {
  const pid = docker("inspect", "--format", "{{.State.Pid}}", Id);
  const line = readFileSync(`/proc/${pid}/status`, "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${field}:`));
  return (line ?? "").slice(field.length + 1).trim();
}

/** What a container may do, beside the services of compose.yaml (hardening.test.ts). */
export const confinement = (container: Container) => {
  const { HostConfig: host } = container;
  return {
    root: status(container, "Uid").startsWith("0"),
    capabilities: status(container, "CapBnd"),
    readOnly: host.ReadonlyRootfs,
    bounded: host.Memory > 0 && (host.PidsLimit ?? 0) > 0 && host.NanoCpus > 0,
  };
};
/** The confinement that every container has. */
export const confined = { root: false, capabilities: "0".repeat(16), readOnly: true, bounded: true };

/** Anonymous memory of a container, by its control group: version 2, or the memory controller of version 1. */
export function anonymousBytes({ Id }: Container): number {
  const pid = docker("inspect", "--format", "{{.State.Pid}}", Id);
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  const v1 = groups.find((line) => line.split(":")[1] === "memory")?.split(":")[2];
  const v2 = groups.find((line) => line.startsWith("0::"))?.slice(3);
  const path = v1 === undefined ? `/sys/fs/cgroup${v2}` : `/sys/fs/cgroup/memory${v1}`;
  return Number(/^(?:anon|total_rss) (\d+)$/m.exec(readFileSync(`${path}/memory.stat`, "utf8"))?.[1]);
}

/** The addresses among these `host:port` that accept a TCP connection from a container on `edge`. */
export function reachableFromEdge({ name }: ComposeStack, targets: readonly string[]): string[] {
  const script = `
    const net = require("node:net");
    const { lookup } = require("node:dns/promises");
    // Each name is looked up once: hundreds of lookups would share four threads, and the time of a connection.
    const found = new Map();
    const addressOf = (host) => {
      if (!found.has(host)) found.set(host, lookup(host).then(({ address }) => address, () => undefined));
      return found.get(host);
    };
    Promise.all(${JSON.stringify(targets)}.map(async (target) => {
      const [, name, port] = /^(.*):(\\d+)$/.exec(target);
      const host = await addressOf(name);
      if (host === undefined) return [];
      return new Promise((resolve) => {
        const socket = net.connect({ host, port, timeout: 1500 });
        const done = (open) => { socket.destroy(); resolve(open ? [target] : []); };
        socket.on("connect", () => done(true)).on("error", () => done(false)).on("timeout", () => done(false));
      });
    })).then((open) => console.log(JSON.stringify(open.flat())));`;
  const network = ["--rm", "--network", `${name}_edge`, "--entrypoint", "node"];
  return JSON.parse(docker("run", ...network, `hold-the-line/proxy:${name}`, "-e", script)) as string[];
}

/** Environment and arguments of a process; empty if it has ended, as a health check does soon. */
export function shownOf(pid: string): string[] {
  try {
    return ["environ", "cmdline"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8"));
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
