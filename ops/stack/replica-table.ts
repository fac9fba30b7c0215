import { until } from "../wait/until.ts";
import type { Endpoints } from "./engine.ts";
import { askAdmin, changeAdmin, HttpError } from "./http.ts";

/** A row of the proxy's `GET /replicas`. */
export interface ReplicaRow {
  id: string;
  url: string;
  state: "ready" | "degraded" | "draining" | "down";
  /** Why its last readiness probe failed. */
  reason?: string;
  tunnels: number;
  since: string | number;
}

type Proxies = Pick<Endpoints, "proxyAdmins">;

/** A proxy that does not answer within this is left out where another one does, ms. */
const proxyWithinMs = 1_500;
/** From best to worst. */
const states = ["ready", "degraded", "draining", "down"] as const;

/**
 * The proxies' view of the replicas: tunnels of all together, and the worst state that one of them sees. Proxies that do
 * not answer are left out.
 *
 * @throws HttpError where none answers
 */
export async function replicaTable(proxies: Proxies): Promise<ReplicaRow[]> {
  const views = Object.values(await proxyViews(proxies));
  const rows = new Map<string, ReplicaRow>();
  for (const row of views.flat()) {
    const known = rows.get(row.id);
    const [worse, other] =
      known !== undefined && states.indexOf(known.state) > states.indexOf(row.state) ? [known, row] : [row, known];
    rows.set(row.id, { ...worse, tunnels: worse.tunnels + (other?.tunnels ?? 0) });
  }
  return [...rows.values()];
}

/** What each proxy that answers sees, by its id. @throws HttpError where none answers */
export async function proxyViews({ proxyAdmins }: Proxies): Promise<Record<string, ReplicaRow[]>> {
  const ids = Object.keys(proxyAdmins);
  const timeoutMs = ids.length > 1 ? proxyWithinMs : undefined;
  const answers = await Promise.allSettled(
    ids.map((id) => askAdmin<ReplicaRow[]>(`${proxyAdmins[id]}/replicas`, timeoutMs)),
  );
  const views: Record<string, ReplicaRow[]> = {};
  for (const [index, answer] of answers.entries()) {
    if (answer.status === "fulfilled") views[ids[index] as string] = answer.value;
    else if (!(answer.reason instanceof HttpError)) throw answer.reason;
  }
  const [first] = answers;
  if (Object.keys(views).length === 0 && first?.status === "rejected") throw first.reason;
  return views;
}

/**
 * Changes something at every proxy that answers: a table entry, or a drain. Those that do not answer read it from the
 * table file when they start.
 *
 * @throws HttpError where none answers, or one refuses
 */
export async function changeProxies(
  endpoints: Pick<Endpoints, "proxyAdmins" | "adminToken">,
  method: "PUT" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<void> {
  const urls = Object.values(endpoints.proxyAdmins).map((admin) => `${admin}${path}`);
  await changeEach(endpoints, method, urls, body);
}

/** Drains a replica, or ends its drain: at the replica, or at every proxy that answers if the application cannot drain. */
export async function changeDrain(
  endpoints: Pick<Endpoints, "draining" | "adminToken">,
  id: string,
  verb: "drain" | "undrain",
): Promise<void> {
  const urls = endpoints.draining(id).map((base) => `${base}/${verb}`);
  await changeEach(endpoints, "POST", urls, {});
}

async function changeEach(
  endpoints: Pick<Endpoints, "adminToken">,
  method: "PUT" | "POST" | "DELETE",
  urls: readonly string[],
  body: unknown,
): Promise<void> {
  const answers = await Promise.allSettled(urls.map((url) => changeAdmin(endpoints, method, url, body)));
  const failed = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as unknown] : []));
  const refused = failed.find((error) => !(error instanceof HttpError) || error.status !== undefined);
  if (refused !== undefined) throw refused;
  if (failed.length === urls.length) throw failed[0];
}

/**
 * Polls until each of `ids` is `ready` in the proxy's table. Also polls again if the proxy does not answer.
 *
 * @throws Error after `withinMs`, with the replicas that are not ready and their states
 */
export async function awaitReady(proxies: Proxies, ids: readonly string[], withinMs = 30_000): Promise<void> {
  let missing = "";
  const ready = await until(
    async () => {
      missing = await notReady(proxies, ids);
      return missing === "";
    },
    { withinMs, everyMs: 100 },
  );
  if (ready === undefined)
    throw new Error(`not ready after ${withinMs / 1000} s: ${missing} (make logs, or make heal)`);
}

/** The replicas that are not ready and their states, as text; empty if all are ready. */
async function notReady(proxies: Proxies, ids: readonly string[]): Promise<string> {
  try {
    const table = await replicaTable(proxies);
    return ids
      .map((id) => table.find((row) => row.id === id) ?? { id, state: "not in the proxy's table", reason: undefined })
      .filter(({ state }) => state !== "ready")
      .map(({ id, state, reason }) => `${id} is ${state}${reason === undefined ? "" : ` (${reason})`}`)
      .join(", ");
  } catch (error) {
    if (error instanceof HttpError) return error.message;
    throw error;
  }
}
