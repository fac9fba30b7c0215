import { usesNats } from "../nats/ids.ts";
import { CannotError } from "../stack/engine.ts";

type Settings = Readonly<Record<string, string>>;

/** Name of the master at the Sentinels; the replicas' default for `REDIS_MASTER_NAME`. */
export const masterName = "hold-the-line";

/**
 * The ids of a stack's Redis servers by its setting `REDIS`: `redis`; `redis` to `redis-3` with Sentinels; `redis` to
 * `redis-6` of a cluster, of which the first three begin as primaries and the others as their copies, in this order. None
 * if it uses NATS.
 */
export function redisIds(settings: Settings): string[] {
  if (usesNats(settings)) return [];
  if (isClustered(settings)) return ["redis", "redis-2", "redis-3", "redis-4", "redis-5", "redis-6"];
  return failsOver(settings) ? ["redis", "redis-2", "redis-3"] : ["redis"];
}

/** The ids of its Sentinels; none without. */
export function sentinelIds(settings: Settings): string[] {
  return failsOver(settings) ? ["sentinel-1", "sentinel-2", "sentinel-3"] : [];
}

/** True if Sentinels choose the stack's master. */
export function failsOver(settings: Settings): boolean {
  return settings["REDIS"] === "sentinel" && !usesNats(settings);
}

/** True if the stack has a Redis Cluster. */
export function isClustered(settings: Settings): boolean {
  return settings["REDIS"] === "cluster" && !usesNats(settings);
}

/** True for the id of a Redis server. */
export function isRedis(id: string): boolean {
  return id === "redis" || /^redis-\d+$/.test(id);
}

/** True for the id of a Sentinel. */
export function isSentinel(id: string): boolean {
  return /^sentinel-\d+$/.test(id);
}

/** The variable of the port of a Redis server or of a Sentinel. */
export function redisPort(id: string): string {
  return `${id.toUpperCase().replace("-", "_")}_PORT`;
}

/** The variable of the port that a server of a cluster has for the others. */
export function redisBusPort(id: string): string {
  return `${id.toUpperCase().replace("-", "_")}_CLUSTER_PORT`;
}

/** The id of the exporter of a Redis server's metrics: `redis-exporter`, `redis-exporter-2`. */
export function exporterOf(id: string): string {
  return id.replace("redis", "redis-exporter");
}

/** True for the id of an exporter. */
export function isExporter(id: string): boolean {
  return /^redis-exporter(-\d+)?$/.test(id);
}

/** The variable of an exporter's port. */
export function exporterPort(id: string): string {
  return `${id.toUpperCase().replaceAll("-", "_")}_PORT`;
}

/** The variable of the port of replica number `n`'s link to a Redis server. */
export function linkPort(n: string, id: string): string {
  return id === "redis" ? `LINK_${n}_PORT` : `LINK_${n}_${redisPort(id)}`;
}

/**
 * A Redis server as typed: `redis-1` is the first, whose id is `redis`.
 *
 * @throws CannotError if the stack has no such server
 */
export function serverTyped(given: string, servers: readonly string[]): string {
  const id = given === "redis-1" ? "redis" : given;
  if (servers.includes(id)) return id;
  throw new CannotError(
    `no Redis server ${given}: this stack has ${servers.length} (make up REDIS=sentinel: three, REDIS=cluster: six)`,
  );
}
