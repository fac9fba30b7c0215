import { usesNats } from "../nats/ids.ts";
import { CannotError } from "../stack/engine.ts";

/** Name of the master at the Sentinels; the replicas' default for `REDIS_MASTER_NAME`. */
export const masterName = "hold-the-line";

/**
 * The ids of a stack's Redis servers, `redis` or `redis`, `redis-2` and `redis-3`, by its setting `REDIS`; none if it uses
 * NATS.
 */
export function redisIds(settings: Readonly<Record<string, string>>): string[] {
  if (usesNats(settings)) return [];
  return failsOver(settings) ? ["redis", "redis-2", "redis-3"] : ["redis"];
}

/** The ids of its Sentinels; none with a single server. */
export function sentinelIds(settings: Readonly<Record<string, string>>): string[] {
  return failsOver(settings) ? ["sentinel-1", "sentinel-2", "sentinel-3"] : [];
}

/** True if Sentinels choose the stack's master. */
export function failsOver(settings: Readonly<Record<string, string>>): boolean {
  return settings["REDIS"] === "sentinel" && !usesNats(settings);
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
  throw new CannotError(`no Redis server ${given}: this stack has ${servers.length} (make up REDIS=sentinel: three)`);
}
