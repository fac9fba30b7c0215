import { type RedisServer, startRedisServer } from "../redis-server.ts";
import { command, startRedisCluster } from "./redis-cluster.ts";

/** The servers of a backplane, and the faults that tests inject into them. */
export interface BackplaneServer {
  /** Variables of a replica that uses it. */
  env: Record<string, string>;
  url: string;
  servers: readonly RedisServer[];
  kill(): Promise<void>;
  /** Starts it after `kill`. Resolves when it can carry messages again. */
  start(): Promise<void>;
  /** Resolves when all servers can carry messages. */
  whole(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Sends the command to every server. */
  command(args: string[]): Promise<string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type Variant = "pubsub" | "sharded" | "sharded-cluster" | "streams";

/** Real servers for a variant: one redis-server, or a Redis Cluster of three primaries. */
export async function startBackplaneServer(variant: Variant): Promise<BackplaneServer> {
  const cluster = variant === "sharded-cluster" ? await startRedisCluster() : undefined;
  const servers = cluster?.primaries ?? [await startRedisServer()];
  const url = servers.map((server) => server.url).join(",");
  const all = <T>(act: (server: RedisServer) => Promise<T>) => Promise.all(servers.map(act));
  const whole = async () => cluster?.whole();
  return {
    env: { BACKPLANE: variant === "sharded-cluster" ? "sharded" : variant },
    url,
    servers,
    kill: async () => void (await all((server) => server.kill())),
    async start() {
      await all((server) => server.start());
      await whole();
    },
    whole,
    freeze: () => servers.forEach((server) => void server.process().kill("SIGSTOP")),
    thaw: () => servers.forEach((server) => void server.process().kill("SIGCONT")),
    command: (args) => all((server) => command(server, args)),
    async [Symbol.asyncDispose]() {
      await all((server) => server[Symbol.asyncDispose]());
    },
  };
}
