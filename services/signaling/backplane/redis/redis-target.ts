import { createClient } from "redis";
import type { Config } from "../../config.ts";

/** Address and credentials of Redis. */
export interface RedisTarget {
  /** Without credentials: one of a single server (or of a cluster's node), several are nodes of a cluster. */
  urls: string[];
  credentials: { username?: string; password?: string };
  /** Where to reach a server instead of the address that Sentinels or a cluster name (`REDIS_ADDRESS_MAP`). */
  ways: ReadonlyMap<string, string>;
  /**
   * Makes a client that neither reconnects nor queues unsent commands. Cheap, unlike `createClient`, which builds a
   * class of some hundred methods whenever its options differ from the last ones: tens of ms, at the moment when the
   * backplane is lost.
   */
  createClient(url: string): RedisClient;
}

export type RedisClient = ReturnType<typeof createTemplate>;

/** Reads the variables; `REDIS_USERNAME` and `REDIS_PASSWORD` override those of the first URL. */
export function redisTarget({
  REDIS_URL,
  REDIS_USERNAME,
  REDIS_PASSWORD,
  REDIS_ADDRESS_MAP,
}: Pick<Config, "REDIS_URL" | "REDIS_USERNAME" | "REDIS_PASSWORD"> &
  Partial<Pick<Config, "REDIS_ADDRESS_MAP">>): RedisTarget {
  const first = new URL(REDIS_URL[0] ?? "redis://127.0.0.1:6379");
  const username = REDIS_USERNAME ?? decodeURIComponent(first.username);
  const password = REDIS_PASSWORD ?? decodeURIComponent(first.password);
  const credentials = { ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) };
  const template = createTemplate(credentials);
  return {
    credentials,
    ways: new Map(REDIS_ADDRESS_MAP?.map((entry) => entry.split("=") as [string, string])),
    urls: REDIS_URL.map((url) => Object.assign(new URL(url), { username: "", password: "" }).href),
    createClient: (url) => template.duplicate({ url, socket: { connectTimeout: 2_000, reconnectStrategy: false } }),
  };
}

function createTemplate(credentials: { username?: string; password?: string }) {
  return createClient({
    ...credentials,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 50_000,
    // A timer for each command costs more than the command. A silent connection is discarded as a whole.
    commandOptions: { timeout: 0 },
  });
}

/** The same Redis, another node of its cluster, or the master that Sentinels name. */
export function nodeTarget(target: RedisTarget, host: string, port: number): RedisTarget {
  const seed = new URL(target.urls[0] ?? "");
  // A node that does not know its own name says "": its address is the one that was asked.
  const name = host === "" ? seed.hostname : host.includes(":") ? `[${host}]` : host;
  const way = target.ways.get(`${name}:${port}`) ?? `${name}:${port}`;
  return { ...target, urls: [`${seed.protocol}//${way}`] };
}
