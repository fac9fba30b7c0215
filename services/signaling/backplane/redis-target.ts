import type { Config } from "../config.ts";

/** Where Redis is, and as whom. */
export interface RedisTarget {
  /** One of a single server; several are nodes of a cluster. */
  urls: string[];
  username?: string;
  password?: string;
}

/** Reads the variables; `REDIS_USERNAME` and `REDIS_PASSWORD` win over those in the URL. */
export function redisTarget(config: Config): RedisTarget {
  return {
    urls: config.REDIS_URL,
    ...(config.REDIS_USERNAME === undefined ? {} : { username: config.REDIS_USERNAME }),
    ...(config.REDIS_PASSWORD === undefined ? {} : { password: config.REDIS_PASSWORD }),
  };
}
