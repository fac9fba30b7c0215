import { once } from "node:events";
import { linesOf } from "../logs/lines.ts";
import type { PortOf } from "../ports.ts";
import { isSentinel } from "../redis/ids.ts";
import { CannotError, type Done, type Endpoints, type Engine, type ServiceId } from "../stack/engine.ts";
import { isReplica, replicaNumber } from "../stack/replica-id.ts";
import { until } from "../wait/until.ts";
import type { Kubectl } from "./kubectl.ts";
import { forwardOf, listPods, programOf, type StackPod } from "./pods.ts";

/** A pod that was started must be ready within this, ms. */
const readyWithinMs = 90_000;

/** Base URLs of a stack on a cluster: the host's ports that `forward` keeps open. */
export function forwardedEndpoints(port: PortOf, adminToken: string | undefined): Endpoints {
  const url = (variable: string) => `http://127.0.0.1:${port(variable)}`;
  const admin = (id: ServiceId) => url(forwardOf(id)?.[0] ?? "");
  return {
    proxy: url("PROXY_PORT"),
    proxyAdmin: admin("proxy"),
    proxyAdmins: { proxy: admin("proxy"), "proxy-2": admin("proxy-2") },
    callerAdmin: admin("caller"),
    prometheus: admin("prometheus"),
    alertmanager: admin("alertmanager"),
    board: url("BOARD_PORT"),
    adminToken,
    replica: (id) => ({ public: url("PROXY_PORT"), admin: admin(id) }),
    draining: (id) => [admin(id)],
    redis: { host: "127.0.0.1", port: port("REDIS_PORT") },
  };
}

/** A rolling restart of the proxies ends within this, s. Each old one has a grace period of 80 s. */
const rolledWithinS = 240;

/** The engine that runs the stack as pods of one namespace. Replicas are numbered from 0, after their pods. */
export function createKubernetesEngine({
  stack,
  endpoints,
  kubectl,
  natsAccess,
}: {
  stack: string;
  endpoints: Endpoints;
  kubectl: Kubectl;
  natsAccess: Engine["natsAccess"];
}): Engine {
  async function find(id: ServiceId): Promise<StackPod> {
    const pods = await listPods(kubectl);
    const pod = pods.find((one) => one.id === id);
    if (pod === undefined) throw new CannotError(`no service ${id}: ${pods.map((one) => one.id).join(", ")}`);
    return pod;
  }
  /** Waits until the service's pod is ready, and is another one than `uid`. */
  async function ready(id: ServiceId, uid?: string): Promise<void> {
    const isReady = async () => (await listPods(kubectl)).some((pod) => pod.id === id && pod.ready && pod.uid !== uid);
    if ((await until(isReady, { withinMs: readyWithinMs, everyMs: 500 })) === undefined)
      throw new Error(`${id} is not ready after ${readyWithinMs / 1000} s: ${kubectl.typed("describe", "pod", id)}`);
  }
  const cannot = (what: string, instead: string) => () =>
    Promise.reject(new CannotError(`a cluster cannot ${what}: ${instead}`));

  async function kill(id: ServiceId): Promise<Done> {
    const { name, app } = await find(id);
    // A program that is pid 1 is safe from its own container. The pods share their process ids, so it is another one.
    const command = `for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in ${programOf(app)}\\ *) kill -9 \${p#/proc/} ;; esac; done`;
    try {
      await kubectl.run("exec", name, "--", "sh", "-c", command);
    } catch (error) {
      // The shell ends with its container.
      if (!/137|terminated|EOF/.test((error as Error).message)) throw error;
    }
    return { changed: true, typed: kubectl.typed("exec", name, "--", "sh -c 'kill -9 …'") };
  }
  async function scaleTo(replicas: number): Promise<string> {
    await kubectl.run("scale", "statefulset/signaling", `--replicas=${replicas}`);
    return kubectl.typed("scale", "statefulset/signaling", `--replicas=${replicas}`);
  }

  return {
    name: "kubernetes",
    stack,
    endpoints,
    services: async () =>
      (await listPods(kubectl)).map(({ id, state, name }) => ({ id, state, detail: `pod ${name}` })),
    async start(id, env = {}) {
      if (Object.keys(env).length > 0)
        await cannot("start one pod with other settings", "change the ConfigMap settings")();
      const before = await find(id);
      await ready(id);
      return { changed: !before.ready, typed: kubectl.typed("wait", "--for=condition=Ready", `pod/${before.name}`) };
    },
    stop: cannot("keep one pod stopped", "make kill-node, which the kubelet heals, or make scale"),
    kill,
    crash: kill,
    pause: cannot("freeze a pod", "make kill-node; the drills freeze-* run on compose and process"),
    resume: cannot("freeze a pod", "there is nothing to resume"),
    async restart(id, env = {}) {
      if (Object.keys(env).length > 0)
        await cannot("start one pod with other settings", "change the ConfigMap settings")();
      const { name, uid, app } = await find(id);
      // A new proxy has no name of the old one.
      if (app === "proxy") await cannot("restart one proxy by its name", "make roll-proxies")();
      await kubectl.run("delete", "pod", name);
      await ready(id, uid);
      return { changed: true, typed: kubectl.typed("delete", "pod", name) };
    },
    async rollProxies() {
      const proxies = async () => (await listPods(kubectl, { ending: true })).filter(({ app }) => app === "proxy");
      const old = new Set((await proxies()).map(({ uid }) => uid));
      await kubectl.run("rollout", "restart", "deployment/proxy");
      await kubectl.run("rollout", "status", "deployment/proxy", `--timeout=${rolledWithinS}s`);
      // The status does not wait for the old ones, which still have clients.
      const gone = async () => !(await proxies()).some(({ uid }) => old.has(uid));
      if ((await until(gone, { withinMs: readyWithinMs, everyMs: 500 })) === undefined)
        throw new Error(`old proxies are still there after ${readyWithinMs / 1000} s: ${kubectl.typed("get pods")}`);
      return { changed: true, typed: kubectl.typed("rollout restart deployment/proxy") };
    },
    partition: cannot("cut off one pod here", "a NetworkPolicy of your own, where the cluster enforces them"),
    slow: cannot("slow a link", "make slow-node on compose or process"),
    reconnect: cannot("slow a link", "there is nothing to reconnect"),
    impaired: () => Promise.resolve([]),
    async addReplica(id) {
      const typed = await scaleTo(Number(replicaNumber(id)) + 1);
      await ready(id);
      return { changed: true, typed };
    },
    async removeReplica(id) {
      const typed = await scaleTo(Number(replicaNumber(id)));
      await kubectl.run("wait", "--for=delete", `pod/${id}`, "--timeout=120s");
      return { changed: true, typed };
    },
    replicaUrls: (id) => ({ url: `http://${id}.signaling:3000`, readyUrl: `http://${id}.signaling:9100/readyz` }),
    async *redisCli(args, signal, server = "redis") {
      const { name } = await find(server);
      const command =
        'REDISCLI_AUTH=$(tr -d "\\r\\n" </run/secrets/redis_ops_password) exec redis-cli -p "$0" --user ops "$@"';
      const port = isSentinel(server) ? "26379" : "6379";
      const child = kubectl.start("exec", name, "--", "sh", "-c", command, port, ...args);
      signal.addEventListener("abort", () => child.kill(), { once: true });
      await once(child, "spawn");
      if (child.stdout !== null) yield* linesOf(child.stdout);
    },
    // As the component sentinel names its pods: `redis` is redis-0.redis, `redis-2` is redis-1.redis.
    redisAddress: (id) => `redis-${Number(/\d+$/.exec(id)?.[0] ?? 1) - 1}.redis:6379`,
    natsAccess,
    async logs(id, lines) {
      return (await kubectl.run("logs", (await find(id)).name, `--tail=${lines}`)).split("\n");
    },
    async exitCode(id) {
      if (!isReplica(id)) return undefined;
      return (await find(id)).lastExit;
    },
  };
}
