import { CannotError, type Engine, type ServiceId, type ServiceStatus } from "../stack/engine.ts";
import { type ClusterServer, clusterServers } from "./cluster.ts";
import { backplaneServersAmong, redisMasterAmong } from "./failover.ts";
import { isRedis } from "./ids.ts";

/** What each Redis server is, in words; empty with a single server, or while no server or Sentinel answers. */
export async function redisRoles(
  engine: Engine,
  services: readonly ServiceStatus[],
): Promise<ReadonlyMap<ServiceId, string>> {
  const kind = backplaneServersAmong(services);
  if (kind === "cluster") {
    const reached = (await clusterServers(engine, services)).filter((server) => server.reached);
    return new Map(reached.map((server) => [server.id, roleOf(server)]));
  }
  if (kind !== "sentinel") return new Map();
  const ids = services.map(({ id }) => id).filter(isRedis);
  try {
    const master = await redisMasterAmong(engine, services);
    return new Map(ids.map((id) => [id, id === master ? "master" : "copy"]));
  } catch (error) {
    if (error instanceof CannotError) return new Map();
    throw error;
  }
}

/** `primary, slots 0-5460`, or `copy of redis-2`. */
export function roleOf({ copyOf, slots }: Pick<ClusterServer, "copyOf" | "slots">): string {
  if (copyOf !== undefined) return `copy of ${copyOf}`;
  if (slots.length === 0) return "primary without slots";
  return `primary, slots ${slots.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ")}`;
}
