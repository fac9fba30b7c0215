import { join } from "node:path";
import { maxReplicas, type PortOf, replicaNumber } from "../ports.ts";
import { writeRedisUsers } from "./redis-access.ts";
import { secretFiles } from "./secrets.ts";
import type { Launch } from "./state-dir.ts";

const loopback = "127.0.0.1";

/** What every launch of a stack is made from. */
export interface StackLayout {
  /** The repository. */
  root: string;
  /** `.stack/<name>` */
  dir: string;
  port: PortOf;
  /** Variables of .env.example that were set at `up`. */
  settings: Readonly<Record<string, string>>;
}

/** `n` replicas' ids, from `signaling-1`. */
export function replicaIds(n: number): string[] {
  return Array.from({ length: n }, (_, index) => `signaling-${index + 1}`);
}

/** redis-server without persistence, as the backplane stores nothing, and without a user that needs no password. */
export function redisLaunch(layout: StackLayout): Launch {
  const { port, dir } = layout;
  return {
    command: "redis-server",
    args: [
      ...["--port", String(port("REDIS_PORT")), "--bind", loopback, "--dir", dir],
      ...["--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice"],
      ...["--aclfile", writeRedisUsers(layout)],
    ],
    env: {},
  };
}

/** Each replica's way to Redis. All links run in one process, those of replicas to come too. */
export function linksLaunch(layout: StackLayout): Launch {
  const { root, port, settings } = layout;
  const links = replicaIds(maxReplicas).map((id) => `${id}=${loopback}:${port(`LINK_${replicaNumber(id)}_PORT`)}`);
  const token = settings["ADMIN_TOKEN"];
  return node(root, "ops/link/main.ts", {
    ...(token === undefined ? secretFiles(layout, ["ADMIN_TOKEN"]) : { ADMIN_TOKEN: token }),
    LINKS: links.join(","),
    UPSTREAM: `${loopback}:${port("REDIS_PORT")}`,
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port("LINK_ADMIN_PORT")),
  });
}

export function replicaLaunch(layout: StackLayout, id: string): Launch {
  const { root, port, settings } = layout;
  const n = replicaNumber(id);
  return node(root, "services/signaling/main.ts", {
    ...settings,
    ...secretFiles(layout, [
      "ADMIN_TOKEN",
      "REDIS_PASSWORD",
      "RESUME_SECRET",
      "BACKPLANE_SECRET",
      "JWT_SECRET",
      "TURN_SECRET",
    ]),
    NODE_ID: id,
    HOST: loopback,
    PORT: String(port(`SIGNALING_${n}_PORT`)),
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port(`SIGNALING_${n}_ADMIN_PORT`)),
    REDIS_USERNAME: "replica",
    REDIS_URL: `redis://${loopback}:${port(`LINK_${n}_PORT`)}`,
  });
}

/** `id=publicURL|readyURL`, as `REPLICAS` and `PUT /replicas/:id` have it. */
export function replicaUrls(port: PortOf, id: string): { url: string; readyUrl: string } {
  const n = replicaNumber(id);
  return {
    url: `http://${loopback}:${port(`SIGNALING_${n}_PORT`)}`,
    readyUrl: `http://${loopback}:${port(`SIGNALING_${n}_ADMIN_PORT`)}/readyz`,
  };
}

export function proxyLaunch(layout: StackLayout, replicas: readonly string[]): Launch {
  const { root, port, settings } = layout;
  const table = replicas.map((id) => {
    const { url, readyUrl } = replicaUrls(port, id);
    return `${id}=${url}|${readyUrl}`;
  });
  return node(root, "proxy/main.ts", {
    ...settings,
    ...secretFiles(layout, ["ADMIN_TOKEN", "STICKY_SECRET"]),
    PROXY_HOST: settings["PUBLIC_BIND"] ?? loopback,
    PROXY_PORT: String(port("PROXY_PORT")),
    ADMIN_HOST: loopback,
    PROXY_ADMIN_PORT: String(port("PROXY_ADMIN_PORT")),
    REPLICAS: table.join(","),
  });
}

export function callerLaunch(layout: StackLayout): Launch {
  const { root, port, settings } = layout;
  return node(root, "services/caller/main.ts", {
    ...settings,
    ...secretFiles(layout, ["ADMIN_TOKEN"]),
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port("CALLER_ADMIN_PORT")),
    TARGET_URL: `http://${loopback}:${port("PROXY_PORT")}`,
  });
}

function node(root: string, program: string, env: Record<string, string>): Launch {
  return { command: process.execPath, args: [join(root, program)], env };
}
