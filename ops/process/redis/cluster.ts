import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isClustered, redisBusPort, redisIds, redisPort } from "../../redis/ids.ts";
import { neededSecret, secretPath } from "../secrets.ts";
import type { Launch, StackLayout } from "../state-dir.ts";
import { privateDir, writeRedisUsers } from "./access.ts";

const loopback = "127.0.0.1";

/**
 * A server of a Redis Cluster, and beside it redis/join-cluster.sh, which makes it a part of the cluster at each start and
 * ends with it. The server stores its slots and the others' addresses in `nodes.conf`, in a directory of its own.
 */
export function clusterLaunch(layout: StackLayout, id: string): Launch {
  const { root, port, settings } = layout;
  const ids = redisIds(settings);
  const own = privateDir(layout, id);
  const file = join(own, "redis.conf");
  const lines = [
    readFileSync(join(root, "redis", "cluster.conf"), "utf8"),
    `port ${port(redisPort(id))}`,
    `cluster-port ${port(redisBusPort(id))}`,
    `bind ${loopback}`,
    `cluster-announce-ip ${loopback}`,
    `dir "${own}"`,
    'save ""',
    "appendonly no",
    `aclfile "${writeRedisUsers(layout, "cluster", own)}"`,
    `masterauth ${neededSecret(layout, "REDIS_REPLICATION_PASSWORD")}`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  // Fails now, and not in a script beside the server.
  neededSecret(layout, "REDIS_CLUSTER_PASSWORD");
  return {
    command: "sh",
    args: [
      "-c",
      // The script is no service of the stack: it ends by itself.
      '(REDISCLI_AUTH="$(cat "$1")" env -u HOLD_THE_LINE sh "$2" $$ "$3" &); exec redis-server "$4"',
      "sh",
      secretPath(layout, "REDIS_CLUSTER_PASSWORD"),
      join(root, "redis", "join-cluster.sh"),
      String(ids.indexOf(id) + 1),
      file,
    ],
    env: {
      REDIS_CLUSTER: ids.map((one) => `${loopback}:${port(redisPort(one))}:${port(redisBusPort(one))}`).join(" "),
    },
  };
}

/** What a replica needs to reach each server of a cluster through its own link. */
export function clusterSettings(layout: StackLayout, linkTo: (server: string) => string): Record<string, string> {
  const { port, settings } = layout;
  if (!isClustered(settings)) return {};
  const ids = redisIds(settings);
  return {
    BACKPLANE: "sharded",
    REDIS_URL: ids.map((id) => `redis://${linkTo(id)}`).join(","),
    REDIS_ADDRESS_MAP: ids.map((id) => `${loopback}:${port(redisPort(id))}=${linkTo(id)}`).join(","),
  };
}
