import { isNats } from "../nats/ids.ts";
import { backplaneServersAmong, redisMasterAmong } from "../redis/failover.ts";
import { isRedis, serverTyped } from "../redis/ids.ts";
import { CannotError, type ServiceStatus } from "../stack/engine.ts";
import { HttpError } from "../stack/http.ts";
import type { Stack } from "../stack/open-stack.ts";
import { isReplica } from "../stack/replica-id.ts";
import { replicaTable } from "../stack/replica-table.ts";

/** A resolved target. */
export interface Chosen {
  target: string;
  /** Why this target was chosen, if the command named none. */
  because?: string;
}

/**
 * A Redis server as typed. `redis` means the master where Sentinels choose it, the first primary of a cluster, or the
 * first server that needs a verb which undoes something. `slow` is for the way to all servers; so is `partition`, unless the engine can take one server
 * off the network.
 */
async function chooseServer({ engine }: Stack, action: string, given: string): Promise<Chosen> {
  const services = await engine.services();
  const servers = services.filter(({ id }) => isRedis(id));
  if (servers.length === 0) return { target: given };
  if (given !== "redis") {
    const ids = servers.map(({ id }) => id);
    return { target: serverTyped(given, ids) };
  }
  const forAll = engine.name === "compose" ? ["slow", "heal"] : ["partition", "slow", "heal"];
  if (servers.length === 1 || forAll.includes(action)) return { target: given };
  if (action === "start" || action === "resume") return firstFor(action, servers, "Redis server");
  const because =
    backplaneServersAmong(services) === "cluster"
      ? "the first primary that serves slots"
      : "the master that the Sentinels name";
  return { target: await redisMasterAmong(engine, services), because };
}

/**
 * The first service that needs the verb.
 *
 * @throws CannotError if none does
 */
function firstFor(action: "start" | "resume", services: readonly ServiceStatus[], kind: string): Chosen {
  const wanted = action === "start" ? "stopped" : "paused";
  const found = services.find(({ state }) => state === wanted);
  if (found === undefined) throw new CannotError(`no ${kind} is ${wanted}: nothing to ${action}`);
  return { target: found.id, because: `the first that is ${wanted}` };
}

/**
 * Resolves a target as typed: `2`, `signaling-2`, `redis` or nothing. A number is a replica. Without a target it is the
 * busiest replica, or the first replica that needs a verb which undoes something (`start`, `resume`, `undrain`).
 */
export async function chooseTarget(stack: Stack, action: string, given: string | undefined): Promise<Chosen> {
  if (given !== undefined && isRedis(given)) return chooseServer(stack, action, given);
  if (given === "nats" && (action === "start" || action === "resume")) {
    const servers = (await stack.engine.services()).filter(({ id }) => isNats(id));
    if (servers.length > 1) return firstFor(action, servers, "NATS server");
  }
  if (given !== undefined && given !== "") return { target: /^\d+$/.test(given) ? `signaling-${given}` : given };
  const services = (await stack.engine.services()).filter((service) => isReplica(service.id));
  if (services.length === 0) throw new CannotError(`the stack "${stack.engine.stack}" is not up: make up`);
  if (action === "start" || action === "resume") return firstFor(action, services, "replica");
  const table = await replicaTable(stack.engine.endpoints).catch((error: unknown) => {
    // Only the proxy knows the busiest replica. Without it any running replica will do.
    if (error instanceof HttpError) return [];
    throw error;
  });
  if (action === "undrain") {
    const draining = table.find((row) => row.state === "draining");
    if (draining === undefined) throw new CannotError("no replica is draining: nothing to undrain");
    return { target: draining.id, because: "the first that is draining" };
  }
  const running = services.filter((service) => service.state === "running").map((service) => service.id);
  const [first] = running;
  if (first === undefined) throw new CannotError("no replica is running: make heal");
  const [busiest] = table.filter((row) => running.includes(row.id)).sort((a, b) => b.tunnels - a.tunnels);
  if (busiest === undefined) return { target: first, because: "the first that is running; the proxy does not answer" };
  return { target: busiest.id, because: `the busiest, ${busiest.tunnels} tunnels` };
}
