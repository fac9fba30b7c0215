import { endProvocations } from "../provoke/provoke.ts";
import { openRecord } from "../record/record.ts";
import { failoverObstacles } from "../redis/failover.ts";
import type { Engine, ServiceStatus } from "../stack/engine.ts";
import { mark } from "../stack/marks.ts";
import type { Stack } from "../stack/open-stack.ts";
import { isReplica } from "../stack/replica-id.ts";
import { awaitReady, changeDrain, changeProxies, replicaTable } from "../stack/replica-table.ts";
import { undrainProxies } from "../stack/roll-proxies.ts";
import { registerReplicas } from "../stack/scale.ts";
import { until } from "../wait/until.ts";

/** The order of starts. Each service needs the ones before it. */
const order = ["nats", "redis", "sentinel", "links", "signaling", "proxy", "balancer"];
const rank = ({ id }: ServiceStatus) => {
  const index = order.findIndex((name) => id.startsWith(name));
  return index === -1 ? order.length : index;
};

/** Sentinels, or a cluster's servers, need several seconds to make a server that is back a copy, ms. */
const failoverWithinMs = 45_000;

/** @throws Error with the obstacle if no failover is possible in time */
async function awaitFailover(engine: Engine): Promise<void> {
  let obstacles: string[] = [];
  const whole = async () => {
    obstacles = await failoverObstacles(engine);
    return obstacles.length === 0;
  };
  if ((await until(whole, { withinMs: failoverWithinMs, everyMs: 250 })) === undefined)
    throw new Error(
      `no failover is possible after ${failoverWithinMs / 1000} s: ${obstacles.join("; ")} (make status, then make heal again)`,
    );
}

/**
 * Brings a stack back to steady state. It resumes paused services, starts stopped ones, restores slow or partitioned
 * links, and ends drains. It inspects the stack and needs no record. The record only lists the marks to remove from the
 * dashboards.
 *
 * @param only heals this service alone
 * @param tell told each line as it is done
 * @returns what was mended, a line each, and what warns
 * @throws when the replicas are not all ready afterwards
 */
export async function heal(
  stack: Stack,
  { only, tell = () => undefined }: { only?: string | undefined; tell?: (line: string) => void } = {},
): Promise<string[]> {
  const { engine } = stack;
  const mended: string[] = [];
  const did = (line: string) => {
    mended.push(line);
    tell(line);
  };
  // Provocations end first: they stop and start services themselves.
  if (only === undefined) for (const line of await endProvocations(stack)) did(line);
  const concerns = (id: string) => only === undefined || only === id;
  const services = (await engine.services()).filter(({ id }) => concerns(id));

  for (const { id } of services.filter(({ state }) => state === "paused")) {
    did(`resumed ${id}: ${(await engine.resume(id)).typed}`);
  }
  const stopped = services.filter(({ state }) => state === "stopped").sort((a, b) => rank(a) - rank(b));
  for (const { id } of stopped) did(`started ${id}: ${(await engine.start(id)).typed}`);
  for (const { id, how } of await engine.impaired()) {
    if (!concerns(id) && only !== "redis" && only !== "nats") continue;
    did(`reconnected ${id} (${how}): ${(await engine.reconnect(id)).typed}`);
  }
  for (const id of await registerReplicas(stack)) did(`registered ${id} with the proxy`);
  const replicas = services.map(({ id }) => id).filter(isReplica);
  for (const row of await replicaTable(engine.endpoints)) {
    if (row.state !== "draining" || !replicas.includes(row.id)) continue;
    await changeDrain(engine.endpoints, row.id, "undrain");
    await changeProxies(engine.endpoints, "POST", `/replicas/${row.id}/undrain`, {});
    did(`undrained ${row.id}`);
  }
  for (const id of await undrainProxies(engine.endpoints)) did(`undrained ${id}`);
  for (const { action, target } of openRecord(stack.state.dir).endActions((entry) => concerns(entry.target))) {
    const warning = await mark("DELETE", engine.endpoints, action, target);
    // One warning is enough, since the others have the same cause.
    if (warning !== undefined && !mended.at(-1)?.startsWith("warning")) did(`warning: ${warning}`);
  }
  if (replicas.length > 0) await awaitReady(engine.endpoints, replicas);
  await awaitFailover(engine);
  return mended;
}
