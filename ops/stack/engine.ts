import type { NatsAccess } from "../nats/messages.ts";

/**
 * A service of the stack: `proxy`, `redis`, `caller`, `signaling-1` …, and their observers (`prometheus`,
 * `alertmanager`, `redis-exporter`). The process engine also has `links`, which carry the connections of the replicas
 * to Redis.
 */
export type ServiceId = string;

export interface ServiceStatus {
  id: ServiceId;
  state: "running" | "paused" | "stopped";
  /** Its process or container, as text: `pid 4711`, `container hold-the-line-proxy-1`. */
  detail: string;
}

/** The result of an action. Nothing changed if the service was in that state already. */
export interface Done {
  changed: boolean;
  /** The equivalent command: `kill -9 4711`, `docker compose kill signaling-2`. */
  typed: string;
}

/** Latency that the slow action adds to each direction of a link. */
export interface Slowness {
  latencyMs: number;
  jitterMs: number;
}

/** Base URLs without a slash at the end, for the place where the ops program runs. */
export interface Endpoints {
  proxy: string;
  proxyAdmin: string;
  /** The admin listener of each proxy, by its id; `proxyAdmin` is that of `proxy`. */
  proxyAdmins: Readonly<Record<ServiceId, string>>;
  callerAdmin: string;
  prometheus: string;
  alertmanager: string;
  board: string;
  /** Bearer token of every change at an admin endpoint; undefined if the stack has none. */
  adminToken: string | undefined;
  /** The replica's own listeners, `id` as in `signaling-2`. */
  replica(id: ServiceId): { public: string; admin: string };
  /**
   * Base URLs of `POST …/drain` and `…/undrain` for a replica: the replica's, or those of all proxies if the application
   * cannot drain.
   */
  draining(id: ServiceId): string[];
  redis: { host: string; port: number };
}

/** The engine cannot do this. The message has the reason and the alternative. */
export class CannotError extends Error {
  override name = "CannotError";
}

/**
 * Runs a stack as child processes or with Docker Compose. Actions resolve when they have taken effect (the process is
 * gone, the container is paused). They are idempotent. They throw `CannotError` for actions that the engine cannot
 * carry out.
 */
export interface Engine {
  readonly name: "process" | "compose" | "kubernetes";
  /** The stack's name (`STACK`). */
  readonly stack: string;
  readonly endpoints: Endpoints;
  /** Every service of the stack, running or not; empty if the stack is down. */
  services(): Promise<ServiceStatus[]>;
  /** Starts a service that is not running, and resolves when it is ready. `env` overrides its settings. */
  start(id: ServiceId, env?: Readonly<Record<string, string>>): Promise<Done>;
  /** SIGTERM, then SIGKILL after the service's grace. */
  stop(id: ServiceId): Promise<Done>;
  /** SIGKILL. The service stays down until `start`. */
  kill(id: ServiceId): Promise<Done>;
  /** SIGKILL inside the container. The restart policy starts it again. */
  crash(id: ServiceId): Promise<Done>;
  /** Freezes the service: sockets stay open and get no answer. */
  pause(id: ServiceId): Promise<Done>;
  resume(id: ServiceId): Promise<Done>;
  /** Stop in order, then start. `env` overrides its settings until the next start without. */
  restart(id: ServiceId, env?: Readonly<Record<string, string>>): Promise<Done>;
  /**
   * Replaces every proxy by the orchestrator's own rolling restart, and resolves when the old ones have gone. Undefined
   * where there is none: `restart` takes one after the other.
   */
  rollProxies?(): Promise<Done>;
  /** Partitions a replica, or Redis, from the backplane. Packets vanish; no connection is refused. */
  partition(id: ServiceId): Promise<Done>;
  /** Adds latency to a replica's way to Redis; for `redis`, to every replica's. */
  slow(id: ServiceId, slowness: Slowness): Promise<Done>;
  /** Undoes `partition` and `slow`. */
  reconnect(id: ServiceId): Promise<Done>;
  /** The partitioned and slow services, and their faults. */
  impaired(): Promise<{ id: ServiceId; how: string }[]>;
  /**
   * Starts one more replica, up to `maxReplicas`, and registers it with Prometheus. The calling code registers it with
   * the proxy (ops/stack/scale.ts).
   */
  addReplica(id: ServiceId): Promise<Done>;
  /** Stops a replica in order and removes it. */
  removeReplica(id: ServiceId): Promise<Done>;
  /** A replica's addresses for the proxy, in the form of `PUT /replicas/:id`. */
  replicaUrls(id: ServiceId): { url: string; readyUrl: string };
  /**
   * Lines that `redis-cli` prints on a Redis server or Sentinel of the stack, until it ends or `signal` is aborted.
   * `server` is `redis` unless given.
   */
  redisCli(args: readonly string[], signal: AbortSignal, server?: ServiceId): AsyncIterable<string>;
  /**
   * Where a NATS server of the stack is, for a user that may look.
   *
   * @throws Error without the user's password
   */
  natsAccess(id: ServiceId): NatsAccess;
  /** `host:port` of a Redis server, as Sentinels name it. */
  redisAddress(id: ServiceId): string;
  /** The last lines that the service logged, oldest first. */
  logs(id: ServiceId, lines: number): Promise<string[]>;
  /** Exit code of a service that has ended; undefined if the engine does not know it. */
  exitCode(id: ServiceId): Promise<number | undefined>;
}
