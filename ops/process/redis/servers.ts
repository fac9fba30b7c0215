import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failsOver, isClustered, masterName, redisIds, redisPort, sentinelIds } from "../../redis/ids.ts";
import { neededSecret } from "../secrets.ts";
import type { Launch, StackLayout } from "../state-dir.ts";
import { privateDir, writeRedisUsers } from "./access.ts";
import { clusterLaunch } from "./cluster.ts";

const loopback = "127.0.0.1";
/** A master that does not answer a Sentinel for this time is down for it, ms. */
const downAfterMs = 2_000;
/** After this time a failover that has not ended is tried again, ms. */
const failoverWithinMs = 6_000;

/**
 * A redis-server without persistence, as the backplane stores nothing. Every user needs a password. Beside Sentinels it
 * has a configuration file, in which Sentinels change its role, and `redis` begins as the master of the others.
 */
export function redisLaunch(layout: StackLayout, id: string): Launch {
  const { port, dir, settings } = layout;
  if (isClustered(settings)) return clusterLaunch(layout, id);
  if (!failsOver(settings)) {
    return {
      command: "redis-server",
      args: [
        ...["--port", String(port(redisPort(id))), "--bind", loopback, "--dir", dir],
        ...["--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice"],
        ...["--aclfile", writeRedisUsers(layout, "server", privateDir(layout, "redis"))],
      ],
      env: {},
    };
  }
  const own = privateDir(layout, id);
  const file = keepFile(join(own, "redis.conf"), () => [
    `port ${port(redisPort(id))}`,
    `bind ${loopback}`,
    `dir "${own}"`,
    'save ""',
    "appendonly no",
    `aclfile "${writeRedisUsers(layout, "failover", own)}"`,
    "masteruser replication",
    `masterauth ${neededSecret(layout, "REDIS_REPLICATION_PASSWORD")}`,
    // The copy has nothing to keep: the stream of `BACKPLANE=streams` is sent anew.
    "repl-diskless-sync-delay 0",
    "rdb-del-sync-files yes",
    "repl-timeout 10",
    ...(id === "redis" ? [] : [`replicaof ${loopback} ${port("REDIS_PORT")}`]),
  ]);
  return { command: "redis-server", args: [file], env: {} };
}

/** A Sentinel. It stores the master that it knows in its configuration file, so it needs one of its own. */
export function sentinelLaunch(layout: StackLayout, id: string): Launch {
  const { port } = layout;
  const own = privateDir(layout, id);
  const password = neededSecret(layout, "REDIS_FAILOVER_PASSWORD");
  const file = keepFile(join(own, "sentinel.conf"), () => [
    `port ${port(redisPort(id))}`,
    `bind ${loopback}`,
    `dir "${own}"`,
    `aclfile "${writeRedisUsers(layout, "sentinel", own)}"`,
    `sentinel monitor ${masterName} ${loopback} ${port("REDIS_PORT")} 2`,
    `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
    `sentinel failover-timeout ${masterName} ${failoverWithinMs}`,
    `sentinel parallel-syncs ${masterName} 2`,
    `sentinel auth-user ${masterName} failover`,
    `sentinel auth-pass ${masterName} ${password}`,
    "sentinel sentinel-user failover",
    `sentinel sentinel-pass ${password}`,
  ]);
  return { command: "redis-server", args: [file, "--sentinel"], env: {} };
}

/** What a replica needs to find the master, and to reach each server through its own link. */
export function sentinelSettings(layout: StackLayout, linkTo: (server: string) => string): Record<string, string> {
  const { port, settings } = layout;
  if (!failsOver(settings)) return {};
  const at = (id: string) => `${loopback}:${port(redisPort(id))}`;
  return {
    REDIS_SENTINELS: sentinelIds(settings)
      .map((id) => `redis://${at(id)}`)
      .join(","),
    REDIS_SENTINEL_USERNAME: "replica",
    REDIS_ADDRESS_MAP: redisIds(settings)
      .map((id) => `${at(id)}=${linkTo(id)}`)
      .join(","),
  };
}

/** Writes a file unless it is there: its program has rewritten it. */
function keepFile(path: string, lines: () => readonly string[]): string {
  if (!existsSync(path)) writeFileSync(path, `${lines().join("\n")}\n`, { mode: 0o600 });
  return path;
}
