import { until } from "../wait/until.ts";
import { askAdmin, HttpError } from "./http.ts";

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

/** The proxy's view of its replicas. */
export function replicaTable(proxyAdmin: string): Promise<ReplicaRow[]> {
  return askAdmin<ReplicaRow[]>(`${proxyAdmin}/replicas`);
}

/**
 * Polls until each of `ids` is `ready` in the proxy's table. Also polls again if the proxy does not answer.
 *
 * @throws Error after `withinMs`, with the replicas that are not ready and their states
 */
export async function awaitReady(proxyAdmin: string, ids: readonly string[], withinMs = 30_000): Promise<void> {
  let missing = "";
  const ready = await until(
    async () => {
      missing = await notReady(proxyAdmin, ids);
      return missing === "";
    },
    { withinMs, everyMs: 100 },
  );
  if (ready === undefined)
    throw new Error(`not ready after ${withinMs / 1000} s: ${missing} (make logs, or make heal)`);
}

/** The replicas that are not ready and their states, as text; empty if all are ready. */
async function notReady(proxyAdmin: string, ids: readonly string[]): Promise<string> {
  try {
    const table = await replicaTable(proxyAdmin);
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
