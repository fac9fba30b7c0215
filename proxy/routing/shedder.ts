import type { Replica, ReplicaTable } from "./replica-table.ts";
import type { Sessions } from "./sessions.ts";

/** Between two looks while some replica is degraded and another ready, ms. */
const tickMs = 100;

/**
 * Moves the sessions of a replica that has been degraded while another was ready for `afterMs`: closes its tunnels
 * and ends its polling sessions at `perSecond` in all, so that the peers come back elsewhere without a storm. When
 * no replica is ready, sessions stay: moving them would not help.
 */
export function createShedder(
  { table, sessions }: { table: ReplicaTable; sessions: Sessions },
  { afterMs, perSecond }: { afterMs: number; perSecond: number },
) {
  const worseSince = new Map<Replica, number>();
  let timer: NodeJS.Timeout | undefined;
  let budget = 0;

  function tick(): void {
    const now = performance.now();
    look(now);
    const due = [...worseSince].filter(([, since]) => now - since >= afterMs);
    // A late tick moves no more sessions than a punctual one, so a stall is not made up for.
    budget = due.length === 0 ? 0 : Math.min(perSecond, budget + (tickMs / 1_000) * perSecond);
    for (const [replica] of due) while (budget >= 1 && shedOne(replica)) budget -= 1;
    timer = worseSince.size === 0 ? undefined : setTimeout(tick, tickMs).unref();
  }

  /** Notes which replicas are degraded beside a ready one, and since when. */
  function look(now: number): void {
    const replicas = table.all();
    const anyReady = replicas.some(({ state }) => state === "ready");
    const worse = new Set(anyReady ? replicas.filter(({ state }) => state === "degraded") : []);
    for (const replica of worseSince.keys()) if (!worse.has(replica)) worseSince.delete(replica);
    for (const replica of worse) if (!worseSince.has(replica)) worseSince.set(replica, now);
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

  return {
    /** A replica's state has changed. */
    stateChanged(): void {
      if (timer === undefined) tick();
    },
    close: () => clearTimeout(timer),
  };
}
