import type { ReplicaTable } from "./routing/replica-table.ts";

/** Between two closings, ms. */
const tickMs = 100;
/** Time in which a balancer learns by `/readyz` that it must send nobody new, ms: three checks a second apart. */
const noticeMs = 2_000;

/**
 * Moves this proxy's clients to other proxies before a planned stop. `/readyz` says so first; then the tunnels are
 * closed at `perSecond`, so that the other proxies and the replicas take their clients without a storm.
 */
export function createProxyDrain(table: Pick<ReplicaTable, "carriers">, perSecond: number) {
  let timer: NodeJS.Timeout | undefined;
  let since: number | undefined;
  let budget = 0;

  function tick(from: number): void {
    // A late tick closes no more than a punctual one: a stall is not made up for.
    if (performance.now() - from >= noticeMs) budget = Math.min(perSecond, budget + (tickMs / 1_000) * perSecond);
    for (const { tunnels } of table.carriers())
      for (const tunnel of tunnels) {
        if (budget < 1) break;
        if (tunnel.closing) continue;
        tunnel.move("drained");
        budget -= 1;
      }
    timer = setTimeout(tick, tickMs, from).unref();
  }

  return {
    active: (): boolean => since !== undefined,
    /** Begins, unless it has begun already. */
    begin(): void {
      if (since !== undefined) return;
      since = performance.now();
      tick(since);
    },
    /** Takes clients again. */
    end(): void {
      clearTimeout(timer);
      since = undefined;
      budget = 0;
    },
  };
}

export type ProxyDrain = ReturnType<typeof createProxyDrain>;
