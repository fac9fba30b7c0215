/**
 * A service of the stack: `proxy`, `redis`, `caller`, `signaling-1` …, and what observes them (`prometheus`,
 * `alertmanager`, `redis-exporter`). The process engine has one more, `links`: each replica's way to Redis.
 */
export type ServiceId = string;

export interface ServiceStatus {
  id: ServiceId;
  state: "running" | "paused" | "stopped";
  /** Who runs it, for a person: `pid 4711`, `container hold-the-line-proxy-1`. */
  detail: string;
}

/** What an action did: nothing where the service was in that state already. */
export interface Done {
  changed: boolean;
  /** The command that a person would have typed: `kill -9 4711`, `docker compose kill signaling-2`. */
  typed: string;
}

/** What the slow action adds to each direction of a link. */
export interface Slowness {
  latencyMs: number;
  jitterMs: number;
}

/** Base URLs without a slash at the end, as reached from where the ops program runs. */
export interface Endpoints {
  proxy: string;
  proxyAdmin: string;
  callerAdmin: string;
  prometheus: string;
  alertmanager: string;
  board: string;
  /** Bearer token of every change at an admin endpoint; undefined where the stack has none. */
  adminToken: string | undefined;
  /** The replica's own listeners, `id` as in `signaling-2`. */
  replica(id: ServiceId): { public: string; admin: string };
  /** Takes `POST …/drain` and `…/undrain` for a replica: itself, or the proxy where the application cannot drain. */
  draining(id: ServiceId): string;
  redis: { host: string; port: number };
}

/** Thrown where an engine cannot do what is asked; the message says why, and what does it instead. */
export class CannotError extends Error {
  override name = "CannotError";
}

/**
 * What runs a stack: child processes or Docker Compose. Actions resolve once their effect is there (the process gone,
 * the container paused), are idempotent, and throw `CannotError` for what the engine has no means to do.
 */
export interface Engine {
  readonly name: "process" | "compose";
  /** The stack's name (`STACK`). */
  readonly stack: string;
  readonly endpoints: Endpoints;
  /** Every service that the stack has, whether running or not; empty where the stack is down. */
  services(): Promise<ServiceStatus[]>;
  /** Starts a service that is not running, and resolves when it is ready. `env` overrides its settings. */
  start(id: ServiceId, env?: Readonly<Record<string, string>>): Promise<Done>;
  /** SIGTERM, then SIGKILL once the service's grace is over. */
  stop(id: ServiceId): Promise<Done>;
  /** SIGKILL; it stays dead until `start`. */
  kill(id: ServiceId): Promise<Done>;
  /** SIGKILL from inside: the restart policy brings it back. */
  crash(id: ServiceId): Promise<Done>;
  /** Freezes it: sockets stay open, nothing is answered. */
  pause(id: ServiceId): Promise<Done>;
  resume(id: ServiceId): Promise<Done>;
  /** Stop in order, then start. `env` overrides its settings until the next start without. */
  restart(id: ServiceId, env?: Readonly<Record<string, string>>): Promise<Done>;
  /** Cuts a replica, or Redis, from the backplane. Packets vanish, nothing is refused. */
  partition(id: ServiceId): Promise<Done>;
  /** Adds latency to its way to Redis; for `redis`, to everybody's. */
  slow(id: ServiceId, slowness: Slowness): Promise<Done>;
  /** Undoes `partition` and `slow`. */
  reconnect(id: ServiceId): Promise<Done>;
  /** What is cut or slowed now, and how. */
  impaired(): Promise<{ id: ServiceId; how: string }[]>;
  /**
   * A replica more, up to `maxReplicas`, started and scraped; the proxy is the caller's to tell (ops/stack/scale.ts).
   */
  addReplica(id: ServiceId): Promise<Done>;
  /** Ends a replica in order and forgets it. */
  removeReplica(id: ServiceId): Promise<Done>;
  /** Where the proxy reaches a replica, as `PUT /replicas/:id` takes it. */
  replicaUrls(id: ServiceId): { url: string; readyUrl: string };
  /** Lines that `redis-cli` prints on the stack's Redis, until it ends or `signal` is aborted. */
  redisCli(args: readonly string[], signal: AbortSignal): AsyncIterable<string>;
  /** The last lines that the service logged, oldest first. */
  logs(id: ServiceId, lines: number): Promise<string[]>;
  /** Exit code of a service that has ended, where the engine knows it. */
  exitCode(id: ServiceId): Promise<number | undefined>;
}
