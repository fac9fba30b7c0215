import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { linesOf } from "../logs/lines.ts";
import { isNats } from "../nats/ids.ts";
import { isRedis, redisPort } from "../redis/ids.ts";
import { CannotError, type Done, type Endpoints, type Engine, type ServiceStatus } from "../stack/engine.ts";
import { typedChange } from "../stack/http.ts";
import { createLinksClient, describeFaults } from "../stack/links-client.ts";
import { proxyAdminPort, proxyIds } from "../stack/proxy-id.ts";
import { isReplica, replicaNumber } from "../stack/replica-id.ts";
import { signal, stateOf } from "./identity.ts";
import { destroy, launch, terminate } from "./launcher.ts";
import { hostNatsAccess } from "./nats-server.ts";
import { saveScaledTargets } from "./observers/prometheus-config.ts";
import { replicaLaunch, replicaUrls } from "./programs.ts";
import { readiness, readyUrls } from "./readiness.ts";
import { neededSecret, secretOf } from "./secrets.ts";
import type { ServiceRecord, StackLayout, StateDir } from "./state-dir.ts";
import { typedCommand } from "./typed-command.ts";

/** Time for an orderly stop before SIGKILL, ms. It exceeds the programs' GRACE_MS. */
const graceMs = 25_000;
const noRestartPolicy = "the process engine has no restart policy that could heal a crash: kill it, then start it";

/** Base URLs of a stack on this host. */
export function hostEndpoints(
  { port, settings, app }: Pick<StackLayout, "port" | "settings" | "app">,
  adminToken: string | undefined,
): Endpoints {
  const url = (variable: string) => `http://127.0.0.1:${port(variable)}`;
  return {
    proxy: url("PROXY_PORT"),
    proxyAdmin: url("PROXY_ADMIN_PORT"),
    proxyAdmins: Object.fromEntries(proxyIds(settings).map((id) => [id, url(proxyAdminPort(id))])),
    callerAdmin: url("CALLER_ADMIN_PORT"),
    prometheus: url("PROMETHEUS_PORT"),
    alertmanager: url("ALERTMANAGER_PORT"),
    board: url("BOARD_PORT"),
    adminToken,
    replica: (id) => ({
      public: url(`SIGNALING_${replicaNumber(id)}_PORT`),
      admin: url(`SIGNALING_${replicaNumber(id)}_ADMIN_PORT`),
    }),
    draining: (id) =>
      app === undefined
        ? [url(`SIGNALING_${replicaNumber(id)}_ADMIN_PORT`)]
        : proxyIds(settings).map((proxy) => `${url(proxyAdminPort(proxy))}/replicas/${id}`),
    redis: { host: "127.0.0.1", port: port("REDIS_PORT") },
  };
}

/** The engine's operations on processes. Tests replace them. */
export interface Processes {
  launch: typeof launch;
  terminate: typeof terminate;
  destroy: typeof destroy;
  signal: typeof signal;
  stateOf: typeof stateOf;
}

/** The engine that runs every service as a detached process. `.stack/<name>/` records the running services. */
export function createProcessEngine(options: {
  stack: string;
  state: StateDir;
  layout: StackLayout;
  /** Environment that every service inherits: `PATH`, proxies, locale. */
  baseEnv: NodeJS.ProcessEnv;
  processes?: Processes;
}) {
  const { state, layout, baseEnv, processes = { launch, terminate, destroy, signal, stateOf } } = options;
  const { port } = layout;
  const endpoints = hostEndpoints(layout, secretOf(layout, "ADMIN_TOKEN"));
  const linksAdmin = `http://127.0.0.1:${port("LINK_ADMIN_PORT")}`;
  const links = createLinksClient(linksAdmin, endpoints.adminToken);
  const readinessOf = (id: string) => readiness(id, endpoints, readyUrls(layout, id));

  const aliveState = (record: ServiceRecord) => (record.process === null ? "gone" : processes.stateOf(record.process));
  function find(id: string): ServiceRecord {
    const record = state.service(id);
    if (record !== undefined) return record;
    const known = state.services().map((service) => service.id);
    throw new CannotError(
      known.length === 0 ? `the stack "${options.stack}" is not up: make up` : `no service ${id}: ${known.join(", ")}`,
    );
  }
  const pidOf = (record: ServiceRecord) => record.process?.pid ?? 0;

  /**
   * Starts a service from its record. Does not wait for the readiness of a proxy without replicas, or of a replica
   * without Redis.
   */
  async function start(id: string, env: Readonly<Record<string, string>> = {}): Promise<Done> {
    const record = find(id);
    const { command, args } = record.launch;
    const typed = typedCommand({ command, args, env: { ...record.launch.env, ...env } }, layout.root, layout.settings);
    if (aliveState(record) !== "gone") return { changed: false, typed };
    await processes.launch(
      state,
      id,
      { command, args, env: { ...record.launch.env, ...env } },
      baseEnv,
      readinessOf(id),
    );
    // The record keeps the settings of `up`: an override lasts until the next start.
    if (Object.keys(env).length > 0) state.saveService({ ...find(id), launch: record.launch });
    return { changed: true, typed };
  }
  async function stop(id: string): Promise<Done> {
    const record = find(id);
    return { typed: `kill -TERM ${pidOf(record)}`, changed: await processes.terminate(record, graceMs) };
  }
  function send(id: string, name: "SIGSTOP" | "SIGCONT", wanted: "paused" | "running"): Done {
    const record = find(id);
    const now = aliveState(record);
    if (now === "gone" || record.process === null) throw new CannotError(`${id} is not running: start it first`);
    const typed = `kill -${name.slice(3)} ${pidOf(record)}`;
    if (now === wanted) return { changed: false, typed };
    processes.signal(record.process, name);
    return { changed: true, typed };
  }
  const replicaRecords = () =>
    state
      .services()
      .map((service) => service.id)
      .filter(isReplica);
  const linksOf = async (id: string): Promise<string[]> => {
    const all = id === "redis" || id === "nats";
    if ((isRedis(id) || isNats(id)) && !all)
      throw new CannotError(`${id} has no links of its own: ${id.replace(/-\d+$/, "")} means all servers`);
    if (!all && !isReplica(id)) throw new CannotError(`${id} has no link to the backplane`);
    find(id);
    return all ? replicaRecords() : [id];
  };
  const linkAction = async (id: string, verb: string, body: unknown, act: (ids: string[]) => Promise<void>) => {
    const ids = await linksOf(id);
    const before = JSON.stringify(await links.list());
    await act(ids);
    const path = `${linksAdmin}/links/${ids.length === 1 ? ids[0] : "<each>"}/faults${verb}`;
    return {
      changed: JSON.stringify(await links.list()) !== before,
      typed: typedChange(body === undefined ? "DELETE" : "PUT", path, body),
    };
  };

  const engine: Engine = {
    name: "process",
    stack: options.stack,
    endpoints,
    services: async () =>
      state.services().map((record): ServiceStatus => {
        const now = aliveState(record);
        return { id: record.id, state: now === "gone" ? "stopped" : now, detail: `pid ${pidOf(record)}` };
      }),
    start,
    stop,
    async kill(id) {
      const record = find(id);
      return { typed: `kill -9 ${pidOf(record)}`, changed: await processes.destroy(record) };
    },
    async crash() {
      throw new CannotError(noRestartPolicy);
    },
    pause: async (id) => send(id, "SIGSTOP", "paused"),
    resume: async (id) => send(id, "SIGCONT", "running"),
    async restart(id, env) {
      const stopped = await stop(id);
      const started = await start(id, env);
      return { changed: true, typed: `${stopped.typed}; ${started.typed}` };
    },
    partition: (id) => linkAction(id, "/black-hole", {}, (ids) => links.partition(ids)),
    slow: (id, slowness) => linkAction(id, "/latency", slowness, (ids) => links.slow(ids, slowness)),
    reconnect: (id) => linkAction(id, "", undefined, (ids) => links.clear(ids)),
    async impaired() {
      const record = state.service("links");
      if (record === undefined || aliveState(record) !== "running") return [];
      const described = await links.list();
      // A replica's links to several servers have the same faults.
      const first = [...new Map(described.map((link) => [link.id, link])).values()];
      return first.flatMap((link) => describeFaults(link).map((how) => ({ id: link.id, how })));
    },
    async addReplica(id) {
      if (state.service(id) === undefined) state.saveService({ id, launch: replicaLaunch(layout, id), process: null });
      const done = await start(id);
      saveScaledTargets(layout, replicaRecords());
      return done;
    },
    async removeReplica(id) {
      const done = await stop(id);
      state.forgetService(id);
      saveScaledTargets(layout, replicaRecords());
      return done;
    },
    replicaUrls: (id) => replicaUrls(layout, id),
    natsAccess: (id) => hostNatsAccess(layout, id),
    redisAddress: (id) => `127.0.0.1:${port(redisPort(id))}`,
    async *redisCli(args, signal, server = "redis") {
      const child = spawn("redis-cli", ["-p", String(port(redisPort(server))), "--user", "ops", ...args], {
        env: { ...baseEnv, REDISCLI_AUTH: neededSecret(layout, "REDIS_OPS_PASSWORD") },
        stdio: ["ignore", "pipe", "inherit"],
        signal,
      });
      const failed = new Promise<never>((_, reject) => {
        child.once("error", (error) => {
          if (error.name !== "AbortError") reject(new CannotError(`redis-cli cannot be run: ${error.message}`));
        });
      });
      await Promise.race([once(child, "spawn"), failed]);
      yield* linesOf(child.stdout);
    },
    async logs(id, lines) {
      find(id);
      return readFileSync(state.logPath(id), "utf8").trimEnd().split("\n").slice(-lines);
    },
    async exitCode(id) {
      const record = find(id);
      if (aliveState(record) !== "gone") return undefined;
      // The process is detached, so its exit code is unknown. The last log line of a program that ended in order says
      // so.
      return readFileSync(state.logPath(id), "utf8").trimEnd().endsWith('"msg":"closed"}') ? 0 : undefined;
    },
  };
  return engine;
}
