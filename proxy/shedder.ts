import type { Replica, ReplicaTable } from "./replica-table.ts";
import type { Sessions } from "./sessions.ts";

/** Between two looks while sessions are moved, and while none are, ms. */
const tickMs = 100;
const restMs = 500;

/**
 * Moves the sessions of a replica that has been degraded while another was ready for `afterMs`: closes its tunnels
 * and ends its polling sessions at `perSecond` in all, so that the peers come back elsewhere without a storm. When
 * none is ready, nobody is moved: it would help nobody.
 */
export function createShedder(
  { table, sessions }: { table: ReplicaTable; sessions: Sessions },
  { afterMs, perSecond }: { afterMs: number; perSecond: number },
) {
  const worseSince = new WeakMap<Replica, number>();
  let budget = 0;
  let lastTick = performance.now();

  function tick(): void {
    const now = performance.now();
    // A rest, and a stall, are not made up for.
    budget = Math.min(perSecond, budget + (Math.min(now - lastTick, tickMs) / 1_000) * perSecond);
    lastTick = now;
    const due = dueReplicas(now);
    if (due.length === 0) budget = 0;
    for (const replica of due) while (budget >= 1 && shedOne(replica)) budget -= 1;
    timer = setTimeout(tick, due.length === 0 ? restMs : tickMs).unref();
  }

  function dueReplicas(now: number): Replica[] {
    const replicas = table.all();
    const anyReady = replicas.some(({ state }) => state === "ready");
    return replicas.filter((replica) => {
      if (!anyReady || replica.state !== "degraded") {
        worseSince.delete(replica);
        return false;
      }
      const since = worseSince.get(replica) ?? now;
      worseSince.set(replica, since);
      return now - since >= afterMs;
    });
  }

  function shedOne(replica: Replica): boolean {
    for (const tunnel of replica.tunnels) {
      if (tunnel.closing) continue;
      tunnel.destroy("shed");
      return true;
    }
    const sid = sessions.anyOf(replica.spec.id);
    if (sid === undefined) return false;
    sessions.shed(sid);
    for (const request of replica.inFlight) if (request.sid === sid) request.eject();
    return true;
  }

  let timer = setTimeout(tick, restMs).unref();
  return { close: () => clearTimeout(timer) };
}
