import { existsSync } from "node:fs";
import { join } from "node:path";
import { maxReplicas, type PortOf, replicaNumber } from "../ports.ts";
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

/** redis-server without persistence: the backplane stores nothing. */
export function redisLaunch({ port, dir }: StackLayout): Launch {
  return {
    command: "redis-server",
    args: [
      ...["--port", String(port("REDIS_PORT")), "--bind", loopback, "--dir", dir],
      ...["--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice"],
    ],
    env: {},
  };
}

/** Each replica's way to Redis. All links run in one process, those of replicas to come too. */
export function linksLaunch({ root, port }: StackLayout): Launch {
  const links = replicaIds(maxReplicas).map((id) => `${id}=${loopback}:${port(`LINK_${replicaNumber(id)}_PORT`)}`);
  return node(root, "ops/link/main.ts", {
    LINKS: links.join(","),
    UPSTREAM: `${loopback}:${port("REDIS_PORT")}`,
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port("LINK_ADMIN_PORT")),
  });
}

export function replicaLaunch({ root, port, settings }: StackLayout, id: string): Launch {
  const n = replicaNumber(id);
  return node(root, "services/signaling/main.ts", {
    ...settings,
    ...secretFiles(root, ["RESUME_SECRET", "BACKPLANE_SECRET", "JWT_SECRET", "TURN_SECRET"], settings),
    NODE_ID: id,
    HOST: loopback,
    PORT: String(port(`SIGNALING_${n}_PORT`)),
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port(`SIGNALING_${n}_ADMIN_PORT`)),
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

export function proxyLaunch({ root, port, settings }: StackLayout, replicas: readonly string[]): Launch {
  const table = replicas.map((id) => {
    const { url, readyUrl } = replicaUrls(port, id);
    return `${id}=${url}|${readyUrl}`;
  });
  return node(root, "proxy/main.ts", {
    ...settings,
    ...secretFiles(root, ["STICKY_SECRET"], settings),
    PROXY_HOST: settings["PUBLIC_BIND"] ?? loopback,
    PROXY_PORT: String(port("PROXY_PORT")),
    ADMIN_HOST: loopback,
    PROXY_ADMIN_PORT: String(port("PROXY_ADMIN_PORT")),
    REPLICAS: table.join(","),
  });
}

export function callerLaunch({ root, port, settings }: StackLayout): Launch {
  return node(root, "services/caller/main.ts", {
    ...settings,
    ADMIN_HOST: loopback,
    ADMIN_PORT: String(port("CALLER_ADMIN_PORT")),
    TARGET_URL: `http://${loopback}:${port("PROXY_PORT")}`,
  });
}

/** Variables that say where a secret's file is, for secrets that are given neither as a value nor as a file. */
function secretFiles(root: string, names: readonly string[], settings: Readonly<Record<string, string>>) {
  const files = names
    .map((name) => [name, join(root, ".secrets", name)] as const)
    .filter(
      ([name, path]) => settings[name] === undefined && settings[`${name}_FILE`] === undefined && existsSync(path),
    );
  return Object.fromEntries(files.map(([name, path]) => [`${name}_FILE`, path]));
}

function node(root: string, program: string, env: Record<string, string>): Launch {
  return { command: process.execPath, args: [join(root, program)], env };
}
