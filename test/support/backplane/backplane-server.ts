import { type RedisServer, startRedisServer } from "../redis-server.ts";
import { startForwarder } from "./forwarder.ts";
import { natsCredentials, startNatsServers } from "./nats-server.ts";
import { command, startRedisCluster } from "./redis-cluster.ts";

/** The servers of a backplane, and the faults that tests inject into them. */
export interface BackplaneServer {
  /** Variables of a replica that uses it. */
  env: Record<string, string>;
  /** `REDIS_URL` of a replica; empty without Redis. */
  url: string;
  servers: readonly RedisServer[];
  kill(): Promise<void>;
  /** Starts it after `kill`. Resolves when it can carry messages again. */
  start(): Promise<void>;
  /** Resolves when all servers can carry messages. */
  whole(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Cuts the connections of the replicas; on Redis those of a type (`CLIENT KILL TYPE`). */
  cut(type: string): Promise<unknown>;
  /** Makes the servers answer nobody for this time, ms. */
  pause(ms: number): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type Variant = "pubsub" | "sharded" | "sharded-cluster" | "streams" | NatsVariant;
type NatsVariant = "nats" | "nats-recovery" | "nats-recovery-cluster";

export const isNatsVariant = (variant: Variant): variant is NatsVariant => variant.startsWith("nats");

/** Real servers for a variant: one redis-server, a Redis Cluster of three primaries, one nats-server, or three. */
export const startBackplaneServer = (variant: Variant): Promise<BackplaneServer> =>
  isNatsVariant(variant) ? startNatsBackplane(variant) : startRedisBackplane(variant);

async function startNatsBackplane(variant: NatsVariant): Promise<BackplaneServer> {
  const servers = await startNatsServers(variant === "nats-recovery-cluster" ? "cluster" : "single");
  // NATS cuts no connection on demand.
  const forwarders = await Promise.all(servers.map(({ port }) => startForwarder(port)));
  const signal = (name: NodeJS.Signals) => servers.forEach((server) => void server.process().kill(name));
  const all = async (act: (server: RedisServer) => Promise<void>) => void (await Promise.all(servers.map(act)));
  return {
    env: {
      BACKPLANE: "nats",
      NATS_URL: forwarders.map(({ port }) => `nats://127.0.0.1:${port}`).join(),
      NATS_RECOVERY: variant === "nats" ? "off" : "on",
      ...natsCredentials,
    },
    url: "",
    servers,
    kill: () => all((server) => server.kill()),
    start: () => all((server) => server.start()),
    whole: async () => undefined,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    cut: async () => forwarders.forEach((forwarder) => void forwarder.cut()),
    async pause(ms) {
      signal("SIGSTOP");
      setTimeout(signal, ms, "SIGCONT");
    },
    async [Symbol.asyncDispose]() {
      for (const forwarder of forwarders) forwarder.close();
      await all((server) => server[Symbol.asyncDispose]());
    },
  };
}

async function startRedisBackplane(variant: Exclude<Variant, NatsVariant>): Promise<BackplaneServer> {
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
    cut: (type) => all((server) => command(server, ["CLIENT", "KILL", "TYPE", type])),
    pause: (ms) => all((server) => command(server, ["CLIENT", "PAUSE", String(ms), "ALL"])),
    async [Symbol.asyncDispose]() {
      await all((server) => server[Symbol.asyncDispose]());
    },
  };
}
