import { pause } from "../wait/pause.ts";
import { until } from "../wait/until.ts";
import { CannotError, type Endpoints, type ServiceId } from "./engine.ts";
import { askAdmin, changeAdmin, HttpError, typedChange } from "./http.ts";
import type { Stack } from "./open-stack.ts";
import { isProxy } from "./proxy-id.ts";
import type { ReplicaRow } from "./replica-table.ts";

/** A proxy has no tunnels within this after it was told to drain, ms. */
const emptyWithinMs = 120_000;
const readyWithinMs = 30_000;
/** The balancer sends connections to a proxy once it has passed two checks, 500 ms apart, ms. */
const balancerSeesMs = 2_000;

/**
 * Restarts every proxy: all at once by the engine's own rolling restart, if it has one, else one after the other. Each is drained first: the balancer sends it nobody new, and its clients
 * move to the others at a pace. The next one follows when the balancer has the last one again.
 *
 * @param step called for each proxy with the commands and their duration, ms
 * @param signal aborted: no further proxy is restarted
 * @throws CannotError where the clients had nowhere to go: one proxy, or one that is not ready
 */
export async function rollProxies(
  stack: Stack,
  step: (id: ServiceId, typed: string, tookMs: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { engine } = stack;
  const { endpoints } = engine;
  const ids = (await engine.services()).map(({ id }) => id).filter(isProxy);
  if (ids.length === 0) throw new CannotError(`the stack "${engine.stack}" is not up: make up`);
  if (ids.length === 1)
    throw new CannotError(
      "this stack has one proxy, whose clients would wait: make restart-proxy, or make up PROXIES=2",
    );
  const adminOf = (id: ServiceId) => endpoints.proxyAdmins[id] ?? "";
  for (const id of ids)
    if (!(await isReady(adminOf(id)))) throw new CannotError(`${id} is not ready, so no proxy is restarted: make heal`);
  if (engine.rollProxies !== undefined) {
    const begunAt = performance.now();
    const { typed } = await engine.rollProxies();
    for (const id of ids) {
      const ready = await until(() => isReady(adminOf(id)), { withinMs: readyWithinMs, everyMs: 100 });
      if (ready === undefined) throw new Error(`${id} is not ready after ${readyWithinMs / 1000} s: make logs`);
      step(id, typed, performance.now() - begunAt);
    }
    return;
  }
  for (const id of ids) {
    if (signal?.aborted) return;
    const begunAt = performance.now();
    const url = `${adminOf(id)}/drain`;
    await changeAdmin(endpoints, "POST", url, {});
    const empty = await until(async () => (await tunnelsAt(adminOf(id))) === 0, {
      withinMs: emptyWithinMs,
      everyMs: 100,
    });
    if (empty === undefined) {
      await changeAdmin(endpoints, "POST", `${adminOf(id)}/undrain`, {});
      throw new Error(`${id} still has tunnels after ${emptyWithinMs / 1000} s, and takes clients again: make status`);
    }
    const { typed } = await engine.restart(id);
    const ready = await until(() => isReady(adminOf(id)), { withinMs: readyWithinMs, everyMs: 100 });
    if (ready === undefined) throw new Error(`${id} is not ready after ${readyWithinMs / 1000} s: make logs`);
    await pause(balancerSeesMs, signal);
    step(id, `${typedChange("POST", url, {})}; ${typed}`, performance.now() - begunAt);
  }
}

/** Ends the drain of each proxy that an interrupted roll has left draining. */
export async function undrainProxies(endpoints: Pick<Endpoints, "proxyAdmins" | "adminToken">): Promise<ServiceId[]> {
  const undrained: ServiceId[] = [];
  for (const [id, admin] of Object.entries(endpoints.proxyAdmins)) {
    if (!(await drains(admin))) continue;
    await changeAdmin(endpoints, "POST", `${admin}/undrain`, {});
    undrained.push(id);
  }
  return undrained;
}

async function drains(admin: string): Promise<boolean> {
  try {
    await askAdmin(`${admin}/readyz`);
    return false;
  } catch (error) {
    if (error instanceof HttpError) return error.status === 404;
    throw error;
  }
}

async function isReady(admin: string): Promise<boolean> {
  try {
    await askAdmin(`${admin}/readyz`);
    return true;
  } catch (error) {
    if (error instanceof HttpError) return false;
    throw error;
  }
}

async function tunnelsAt(admin: string): Promise<number> {
  return (await askAdmin<ReplicaRow[]>(`${admin}/replicas`)).reduce((sum, { tunnels }) => sum + tunnels, 0);
}
