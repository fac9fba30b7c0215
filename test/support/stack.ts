import { nodeFlags } from "../../ops/process/node-flags.ts";
import { freePort } from "./free-port.ts";
import { until } from "./poll.ts";
import { type Program, startProgram } from "./program.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { type Replica, startReplica } from "./replica.ts";

/** The programs of a stack on free ports, started directly, without an engine and without a restart policy. */
export interface TestStack {
  redis: RedisServer;
  replicas: Replica[];
  proxy: {
    url: string;
    adminUrl: string;
    /** The running program. */
    program(): Program;
    /** Its output since its last start. */
    output(): string;
    /** Sends SIGKILL and waits until it is gone. */
    kill(): Promise<void>;
    /** Starts it on the same ports. Resolves when it listens. */
    start(): Promise<void>;
  };
  /** The proxy's state of a replica: ready, degraded, draining, down. */
  stateOf(nodeId: string): Promise<string>;
  /** Starts a killed replica on the same ports. */
  restart(nodeId: string): Promise<void>;
  /** The replica with this node id. */
  replica(nodeId: string): Replica;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Redis, `count` replicas and the proxy, all ready. `env` reaches the replicas and the proxy. */
export async function startStack({
  count = 3,
  env = {},
}: {
  count?: number;
  env?: Record<string, string>;
} = {}): Promise<TestStack> {
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedisServer());
  const replicas = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const replica = await startReplica(`signaling-${index + 1}`, redis.url, env);
      started.use(replica.program);
      return replica;
    }),
  );
  const [port, adminPort] = [await freePort(), await freePort()];
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  let program: Program | undefined;
  async function startProxy(): Promise<void> {
    program = startProgram("node", [...nodeFlags, "proxy/main.ts"], {
      PROXY_PORT: String(port),
      PROXY_ADMIN_PORT: String(adminPort),
      REPLICAS: replicas.map(({ nodeId, url, adminUrl }) => `${nodeId}=${url}|${adminUrl}/readyz`).join(","),
      ...env,
    });
    const { output } = program;
    await until("the proxy listens", async () => (await fetch(`${adminUrl}/healthz`)).ok, { withinMs: 30_000 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${output()}`);
      },
    );
  }
  started.defer(() => program?.[Symbol.asyncDispose]());
  await startProxy();
  const states = async () => (await (await fetch(`${adminUrl}/replicas`)).json()) as { id: string; state: string }[];
  await until("the proxy sees all replicas ready", async () =>
    (await states()).every(({ state }) => state === "ready"),
  );
  const replica = (nodeId: string) => {
    const found = replicas.find((one) => one.nodeId === nodeId);
    if (found === undefined) throw new Error(`no replica ${nodeId}`);
    return found;
  };
  const all = started.move();
  return {
    redis,
    replicas,
    proxy: {
      url: `http://127.0.0.1:${port}`,
      adminUrl,
      program: () => program as Program,
      output: () => program?.output() ?? "",
      kill: async () => program?.[Symbol.asyncDispose](),
      start: startProxy,
    },
    stateOf: async (nodeId) => (await states()).find(({ id }) => id === nodeId)?.state ?? "unknown",
    replica,
    async restart(nodeId) {
      const { port: samePort, adminPort: sameAdminPort } = replica(nodeId);
      const again = await startReplica(nodeId, redis.url, env, [samePort, sameAdminPort]);
      all.use(again.program);
      replicas.splice(replicas.indexOf(replica(nodeId)), 1, again);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
