import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";
import { linesOf } from "../logs/lines.ts";
import { isNats } from "../nats/ids.ts";
import { isRedis, isSentinel } from "../redis/ids.ts";
import { CannotError, type Done, type Endpoints, type Engine, type ServiceStatus } from "../stack/engine.ts";
import { typedChange } from "../stack/http.ts";
import { createLinksClient, describeFaults } from "../stack/links-client.ts";
import { isReplica, replicaNumber } from "../stack/replica-id.ts";
import { until } from "../wait/until.ts";
import { createContainers, type ServiceContainer } from "./containers.ts";
import type { insideReplica } from "./endpoints.ts";
import { demultiplex, execStream } from "./exec.ts";
import { createPartitions } from "./partition.ts";
import { isOverridden, recreate } from "./recreate.ts";

/** A started container must be healthy within this, ms. */
const healthyWithinMs = 60_000;
/**
 * Kills the program under the container's init. The restart policy sees a crash; after `docker kill` it sees a stop.
 */
const killChild = "kill -9 $(cat /proc/1/task/1/children)";

/** True for the target of `slow` that means every replica's way to all servers. */
const meansAllServers = (service: string) => service === "redis" || service === "nats";

/** The engine that runs the stack as containers of one compose project, through the Docker API. */
export function createComposeEngine(options: {
  stack: string;
  endpoints: Endpoints;
  linksAdmin: string;
  /** Directory that Prometheus reads targets of added replicas from; undefined outside of the ops container. */
  targetsDir: string | undefined;
  /** Addresses of a replica for the other containers (endpoints.ts). */
  replica: ReturnType<typeof insideReplica>;
  /** The password of the user `ops` at NATS. */
  natsPassword: () => string;
  docker?: Docker;
}): Engine {
  const { stack, endpoints, linksAdmin, targetsDir, replica, natsPassword, docker = new Docker() } = options;
  const containers = createContainers(docker, stack);
  const partitions = createPartitions(docker, containers);
  const links = createLinksClient(linksAdmin, endpoints.adminToken);
  const compose = stack === "hold-the-line" ? "docker compose" : `docker compose -p ${stack}`;
  const typed = (verb: string, service: string) => `${compose} ${verb} ${service}`;
  const isUp = ({ state }: ServiceContainer) => state === "running" || state === "paused" || state === "restarting";

  async function healthy({ id, service }: ServiceContainer): Promise<void> {
    const isHealthy = async () => {
      const { State } = await docker.getContainer(id).inspect();
      if (!State.Running && !State.Restarting)
        throw new Error(`${service} ended while starting (exit ${State.ExitCode}): ${typed("logs", service)}`);
      return State.Running && (State.Health === undefined || State.Health.Status === "healthy");
    };
    if ((await until(isHealthy, { withinMs: healthyWithinMs, everyMs: 100 })) === undefined)
      throw new Error(`${service} is not healthy after ${healthyWithinMs / 1000} s: ${typed("logs", service)}`);
  }
  async function start(service: string, env: Readonly<Record<string, string>> = {}): Promise<Done> {
    const found = await containers.find(service);
    const command = typed("start", service);
    if (isUp(found)) return { changed: false, typed: command };
    const container = docker.getContainer(found.id);
    const inspected = await container.inspect();
    const renewed = Object.keys(env).length > 0 || isOverridden(inspected);
    await (renewed ? await recreate(docker, container, inspected, env) : container).start();
    await healthy(await containers.find(service));
    return { changed: true, typed: command };
  }
  async function stop(service: string): Promise<Done> {
    const found = await containers.find(service);
    const container = docker.getContainer(found.id);
    if (found.state === "paused") await container.unpause();
    // Docker waits for the container's stop_grace_period.
    if (isUp(found)) await container.stop();
    return { changed: isUp(found), typed: typed("stop", service) };
  }
  async function freeze(service: string, verb: "pause" | "unpause"): Promise<Done> {
    const found = await containers.find(service);
    if (!isUp(found)) throw new CannotError(`${service} is not running: start it first`);
    const changed = (found.state === "paused") !== (verb === "pause");
    if (changed) await docker.getContainer(found.id)[verb]();
    return { changed, typed: typed(verb, service) };
  }
  const replicas = async () =>
    (await containers.all()).filter(({ service, state }) => isReplica(service) && state !== "created");
  async function linksOf(service: string): Promise<string[]> {
    const all = meansAllServers(service);
    if ((isRedis(service) || isNats(service)) && !all)
      throw new CannotError(`${service} has no links of its own: ${service.replace(/-\d+$/, "")} means all servers`);
    if (!all && !isReplica(service)) throw new CannotError(`${service} has no link to the backplane`);
    if (!(await containers.all()).some((container) => container.service === "links" && isUp(container)))
      throw new CannotError("slow needs the links in front of the backplane: make down, then make up OVERLAYS=chaos");
    await containers.find(service);
    return all ? (await replicas()).map((container) => container.service) : [service];
  }
  async function saveTargets(): Promise<void> {
    if (targetsDir === undefined) return;
    const added = (await replicas()).map(({ service }) => service).filter((id) => Number(replicaNumber(id)) > 3);
    const targets = added.flatMap((id) => replica.metrics(id) ?? []);
    writeFileSync(join(targetsDir, "scaled.json"), JSON.stringify([{ targets }]));
  }

  return {
    name: "compose",
    stack,
    endpoints,
    services: async () =>
      (await containers.all())
        // `make up` creates containers for make scale and does not start them. They are no part of the running stack.
        .filter(({ service, state }) => service !== "ops" && state !== "created")
        .map(
          (container): ServiceStatus => ({
            id: container.service,
            state: container.state === "paused" ? "paused" : isUp(container) ? "running" : "stopped",
            detail: `container ${container.name}`,
          }),
        ),
    start,
    stop,
    async kill(service) {
      const found = await containers.find(service);
      if (isUp(found)) await docker.getContainer(found.id).kill();
      return { changed: isUp(found), typed: typed("kill", service) };
    },
    async crash(service) {
      const found = await containers.find(service);
      if (found.state !== "running") throw new CannotError(`${service} is not running: start it first`);
      await execStream(docker.getContainer(found.id), ["sh", "-c", killChild]);
      return { changed: true, typed: `${typed("exec", service)} sh -c '${killChild}'` };
    },
    pause: (service) => freeze(service, "pause"),
    resume: (service) => freeze(service, "unpause"),
    async restart(service, env) {
      await stop(service);
      await start(service, env);
      return { changed: true, typed: typed("restart", service) };
    },
    async partition(service) {
      const { changed, network } = await partitions.cut(service);
      return { changed, typed: `docker network disconnect ${network} ${(await containers.find(service)).name}` };
    },
    async slow(service, slowness) {
      const ids = await linksOf(service);
      const before = JSON.stringify(await links.list());
      await links.slow(ids, slowness);
      const path = `/links/${ids.length === 1 ? ids[0] : "<each>"}/faults/latency`;
      return {
        changed: JSON.stringify(await links.list()) !== before,
        typed: typedChange("PUT", `${linksAdmin}${path}`, slowness),
      };
    },
    async reconnect(service) {
      const { changed, network } = await partitions.mend(service);
      const linked = (await containers.all()).some((container) => container.service === "links" && isUp(container));
      const slowed =
        linked &&
        (meansAllServers(service) || isReplica(service)) &&
        (await links.list()).some(({ faults }) => Object.keys(faults).length > 0);
      if (slowed) await links.clear(await linksOf(service));
      return {
        changed: changed || slowed,
        typed: changed
          ? `docker network connect --alias ${service} ${network} ${(await containers.find(service)).name}`
          : typedChange("DELETE", `${linksAdmin}/links/${service}/faults`),
      };
    },
    async impaired() {
      const found = (await containers.all()).filter(({ state }) => state !== "created");
      const names = found.map(({ service }) => service);
      const cuttable = names.filter((id) => isRedis(id) || isNats(id) || isReplica(id));
      const cut = await Promise.all(cuttable.map(async (id) => ((await partitions.isCut(id)) ? [id] : [])));
      const linked = found.some((container) => container.service === "links" && container.state === "running");
      const described = linked ? await links.list() : [];
      // A replica's links to several servers have the same faults.
      const slowed = [...new Map(described.map((link) => [link.id, link])).values()].flatMap((link) =>
        describeFaults(link).map((how) => ({ id: link.id, how })),
      );
      return [...cut.flat().map((id) => ({ id, how: "cut off from the backplane" })), ...slowed];
    },
    async addReplica(service) {
      const done = await start(service);
      await saveTargets();
      return done;
    },
    async removeReplica(service) {
      const done = await stop(service);
      const found = await containers.find(service);
      // `make up` leaves it created and not started, so it is made again.
      const container = docker.getContainer(found.id);
      await recreate(docker, container, await container.inspect(), {});
      await saveTargets();
      return done;
    },
    replicaUrls: replica.urls,
    natsAccess: (id) => ({ host: id, port: 4_222, user: "ops", password: natsPassword() }),
    // Servers announce their names.
    redisAddress: (id) => `${id}:6379`,
    async *redisCli(args, signal, server = "redis") {
      const found = await containers.find(server);
      // Docker refuses a command in a container that does not run. Such a server answers nothing.
      if (found.state !== "running") return;
      const port = isSentinel(server) ? 26_379 : 6_379;
      const command = `REDISCLI_AUTH=$(tr -d "\\r\\n" </run/secrets/redis_ops_password) exec redis-cli -p ${port} --user ops "$@"`;
      const output = await execStream(docker.getContainer(found.id), ["sh", "-c", command, "redis-cli", ...args]);
      signal.addEventListener("abort", () => output.end(), { once: true });
      yield* linesOf(output);
    },
    async logs(service, lines) {
      const found = await containers.find(service);
      const frames = await docker.getContainer(found.id).logs({ stdout: true, stderr: true, tail: lines });
      return demultiplex(frames).trimEnd().split("\n");
    },
    async exitCode(service) {
      const found = await containers.find(service);
      const { State } = await docker.getContainer(found.id).inspect();
      return State.Running ? undefined : State.ExitCode;
    },
  };
}
