import type { Config } from "../config.ts";

/** Where Redis is, and as whom. */
export interface RedisTarget {
  /** Without credentials: one of a single server (or of a cluster's node), several are nodes of a cluster. */
  urls: string[];
  username?: string;
  password?: string;
}

/** Reads the variables; `REDIS_USERNAME` and `REDIS_PASSWORD` win over what the first URL says. */
export function redisTarget({ REDIS_URL, REDIS_USERNAME, REDIS_PASSWORD }: Config): RedisTarget {
  const first = new URL(REDIS_URL[0] ?? "redis://127.0.0.1:6379");
  const username = REDIS_USERNAME ?? decodeURIComponent(first.username);
  const password = REDIS_PASSWORD ?? decodeURIComponent(first.password);
  return {
    urls: REDIS_URL.map((url) => Object.assign(new URL(url), { username: "", password: "" }).href),
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
}

/** The same Redis, another node of its cluster. */
export function nodeTarget(target: RedisTarget, host: string, port: number): RedisTarget {
  const seed = new URL(target.urls[0] ?? "");
  // A node that does not know its own name says "": it is where it was asked.
  const name = host === "" ? seed.hostname : host.includes(":") ? `[${host}]` : host;
  return { ...target, urls: [`${seed.protocol}//${name}:${port}`] };
}
