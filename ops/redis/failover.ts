import { isNats } from "../nats/ids.ts";
import { CannotError, type Engine, type ServiceId, type ServiceStatus } from "../stack/engine.ts";
import { askRedis } from "./ask.ts";
import { clusterObstacles, firstPrimary } from "./cluster.ts";
import { isRedis, isSentinel, masterName } from "./ids.ts";

type Services = readonly ServiceStatus[];

/** The ids of the Sentinels that run. */
const runningSentinels = (services: Services): ServiceId[] =>
  services.filter(({ id, state }) => isSentinel(id) && state === "running").map(({ id }) => id);

/** One Redis, servers with Sentinels, a Redis Cluster, or NATS. */
export type BackplaneServers = "single" | "sentinel" | "cluster" | "nats";

/** The servers of the stack with these services. */
export function backplaneServersAmong(services: Services): BackplaneServers {
  const ids = services.map(({ id }) => id);
  if (ids.some(isNats)) return "nats";
  if (ids.some(isSentinel)) return "sentinel";
  return ids.includes("redis-4") ? "cluster" : "single";
}

/** The servers of a stack's backplane. */
export async function backplaneServersOf(engine: Engine): Promise<BackplaneServers> {
  return backplaneServersAmong(await engine.services());
}

/** How many replicas listen to a Redis server; NaN if it does not answer. */
export async function listenersOf(engine: Engine, server: ServiceId): Promise<number> {
  const lines = await askRedis(engine, server, ["CLIENT", "LIST", "TYPE", "pubsub"]);
  return lines.length === 0 ? Number.NaN : lines.filter((line) => line.includes(" user=replica ")).length;
}

/**
 * A Redis server that the replicas use: the only one, the master that most Sentinels name, or the first server of a
 * cluster that serves slots.
 *
 * @throws CannotError if no Sentinel names one, or no server of the cluster serves slots
 */
export async function redisMaster(engine: Engine): Promise<ServiceId> {
  return redisMasterAmong(engine, await engine.services());
}

/** `redisMaster` for a caller that has the stack's services already. Throws the same. */
export async function redisMasterAmong(engine: Engine, services: Services): Promise<ServiceId> {
  const kind = backplaneServersAmong(services);
  if (kind === "cluster") return firstPrimary(engine, services);
  if (kind !== "sentinel") return "redis";
  const votes = new Map<ServiceId, number>();
  for (const [host = "", port = ""] of await Promise.all(
    runningSentinels(services).map((id) => askRedis(engine, id, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName])),
  )) {
    const server = services
      .map(({ id }) => id)
      .find((id) => isRedis(id) && engine.redisAddress(id) === `${host}:${port}`);
    if (server !== undefined) votes.set(server, (votes.get(server) ?? 0) + 1);
  }
  const [most] = [...votes].sort(([, a], [, b]) => b - a);
  if (most === undefined) throw new CannotError("no Sentinel names a master: make status, make heal");
  return most[0];
}

/**
 * Why no failover is possible now: a server does not follow the master, or a Sentinel does not know it; slots of a
 * cluster are not served, or a primary has no copy. Empty if one is possible, and with a single server.
 */
export async function failoverObstacles(engine: Engine): Promise<string[]> {
  const services = await engine.services();
  const kind = backplaneServersAmong(services);
  if (kind === "cluster") return clusterObstacles(engine, services);
  if (kind !== "sentinel") return [];
  const copies = services.filter(({ id }) => isRedis(id)).length - 1;
  const peers = services.filter(({ id }) => isSentinel(id)).length - 1;
  try {
    const master = await redisMasterAmong(engine, services);
    const info = (await askRedis(engine, master, ["INFO", "replication"])).join("\n");
    if (!/^role:master$/m.test(info)) return [`${master} is not the master yet`];
    const online = info.match(/state=online/g)?.length ?? 0;
    if (online < copies) return [`${online} of ${copies} Redis servers follow ${master}`];
  } catch (error) {
    if (error instanceof CannotError) return [error.message];
    throw error;
  }
  const seen = await Promise.all(
    runningSentinels(services).map(async (id) => {
      const replicas = flagsIn(await askRedis(engine, id, ["SENTINEL", "REPLICAS", masterName]));
      const others = flagsIn(await askRedis(engine, id, ["SENTINEL", "SENTINELS", masterName]));
      const whole =
        replicas.filter((flags) => flags === "slave").length === copies &&
        others.filter((flags) => flags === "sentinel").length === peers;
      return whole ? [] : [`${id} does not know all servers and Sentinels yet`];
    }),
  );
  return seen.flat();
}

/** The flags in an answer of pairs, a name and its value a line each. */
function flagsIn(lines: readonly string[]): string[] {
  return lines.filter((_, index) => lines[index - 1] === "flags");
}
