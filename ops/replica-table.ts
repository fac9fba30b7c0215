import { callAdmin } from "./http.ts";

/** A row of the proxy's `GET /replicas`. */
export interface ReplicaRow {
  id: string;
  url: string;
  state: "ready" | "degraded" | "draining" | "down";
  tunnels: number;
  since: string | number;
}

/** The proxy's view of its replicas. */
export function replicaTable(proxyAdmin: string): Promise<ReplicaRow[]> {
  return callAdmin<ReplicaRow[]>("GET", `${proxyAdmin}/replicas`);
}

/**
 * Asks again and again until every one of `ids` is `ready` in the proxy's table.
 *
 * @throws after `withinMs`, with the replicas that are not and what they are
 */
export async function awaitReady(proxyAdmin: string, ids: readonly string[], withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const table = await replicaTable(proxyAdmin);
    const states = ids.map((id) => [id, table.find((row) => row.id === id)?.state ?? "unknown"] as const);
    const others = states.filter(([, state]) => state !== "ready");
    if (others.length === 0) return;
    if (performance.now() > deadline) {
      const list = others.map(([id, state]) => `${id} is ${state}`).join(", ");
      throw new Error(`after ${withinMs / 1000} s the proxy says that ${list}: look at make logs, or make heal`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
