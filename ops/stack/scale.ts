import { maxReplicas } from "../ports.ts";
import { CannotError } from "./engine.ts";
import { changeAdmin } from "./http.ts";
import type { Stack } from "./open-stack.ts";
import { isReplica, replicaIds } from "./replica-id.ts";
import { awaitReady, changeProxies, proxyViews, replicaTable } from "./replica-table.ts";

/**
 * Brings the stack to `wanted` replicas, signaling-1 to signaling-<wanted> (from signaling-0 on Kubernetes): It starts new replicas and registers them
 * with the proxy. It drains and stops the highest ones and removes them from the proxy's table.
 *
 * @param step called with one line for each change
 * @throws CannotError for an impossible number
 */
export async function scale(stack: Stack, wanted: number, step: (line: string) => void): Promise<void> {
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > maxReplicas)
    throw new CannotError(`N=${wanted}: a stack runs 1 to ${maxReplicas} replicas`);
  const { engine } = stack;
  const present = (await engine.services()).map(({ id }) => id).filter(isReplica);
  if (present.length === 0) throw new CannotError(`the stack "${engine.stack}" is not up: make up`);
  const ids = replicaIds(wanted, engine.name === "kubernetes" ? 0 : 1);
  for (const id of ids.filter((other) => !present.includes(other))) {
    await engine.addReplica(id);
    await changeProxies(engine.endpoints, "PUT", `/replicas/${id}`, engine.replicaUrls(id));
    await awaitReady(engine.endpoints, [id]);
    step(`added ${id}: about 1/${wanted} of the new sessions go there; no live socket moves`);
  }
  for (const id of present.filter((other) => !ids.includes(other)).reverse()) {
    // SIGTERM drains the replica, so its peers move before it ends.
    await engine.removeReplica(id);
    const known = (await replicaTable(engine.endpoints)).some((row) => row.id === id);
    if (known) await changeProxies(engine.endpoints, "DELETE", `/replicas/${id}`);
    step(`removed ${id}: its peers moved to the others first`);
  }
  await awaitReady(engine.endpoints, ids);
}

/** Registers running replicas at every proxy that does not know them. */
export async function registerReplicas(stack: Stack): Promise<string[]> {
  const { engine } = stack;
  const running = (await engine.services()).filter(({ id, state }) => isReplica(id) && state === "running");
  const missing = new Set<string>();
  for (const [proxy, table] of Object.entries(await proxyViews(engine.endpoints)))
    for (const { id } of running.filter((replica) => !table.some((row) => row.id === replica.id))) {
      missing.add(id);
      const url = `${engine.endpoints.proxyAdmins[proxy]}/replicas/${id}`;
      await changeAdmin(engine.endpoints, "PUT", url, engine.replicaUrls(id));
    }
  return [...missing];
}
