import { isNats } from "../nats/ids.ts";
import { CannotError, type Engine, type ServiceId } from "../stack/engine.ts";
import { askRedis } from "./ask.ts";
import { clusterObstacles, firstPrimary } from "./cluster.ts";
import { isRedis, isSentinel, masterName } from "./ids.ts";

/** The ids of a stack's Redis servers and Sentinels that run. */
async function running({ services }: Engine) {
  const ids = (await services()).filter(({ state }) => state === "running").map(({ id }) => id);
  return { servers: ids.filter(isRedis), sentinels: ids.filter(isSentinel) };
}

/** One Redis, servers with Sentinels, a Redis Cluster, or NATS. */
export type BackplaneServers = "single" | "sentinel" | "cluster" | "nats";

/** The servers of a stack's backplane. */
export async function backplaneServersOf({ services }: Engine): Promise<BackplaneServers> {
  const ids = (await services()).map(({ id }) => id);
  if (ids.some(isNats)) return "nats";
  if (ids.some(isSentinel)) return "sentinel";
  return ids.includes("redis-4") ? "cluster" : "single";
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
  if ((await backplaneServersOf(engine)) === "cluster") return firstPrimary(engine);
  const services = await engine.services();
  if (!services.some(({ id }) => isSentinel(id))) return "redis";
  const { sentinels } = await running(engine);
  const votes = new Map<ServiceId, number>();
  for (const [host = "", port = ""] of await Promise.all(
    sentinels.map((id) => askRedis(engine, id, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName])),
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
  if ((await backplaneServersOf(engine)) === "cluster") return clusterObstacles(engine);
  const services = await engine.services();
  if (!services.some(({ id }) => isSentinel(id))) return [];
  const copies = services.filter(({ id }) => isRedis(id)).length - 1;
  const peers = services.filter(({ id }) => isSentinel(id)).length - 1;
  const { sentinels } = await running(engine);
  try {
    const master = await redisMaster(engine);
    const info = (await askRedis(engine, master, ["INFO", "replication"])).join("\n");
    if (!/^role:master$/m.test(info)) return [`${master} is not the master yet`];
    const online = info.match(/state=online/g)?.length ?? 0;
    if (online < copies) return [`${online} of ${copies} Redis servers follow ${master}`];
  } catch (error) {
    if (error instanceof CannotError) return [error.message];
    throw error;
  }
  const seen = await Promise.all(
    sentinels.map(async (id) => {
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
