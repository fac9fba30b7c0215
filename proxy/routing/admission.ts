import { createPacer, type Pacer } from "./pacer.ts";

/** Part of a second's tokens that a quiet replica admits at once. */
const burstShare = 0.25;
/** Interval at which unused pacers are dropped, ms. */
const forgetEveryMs = 10_000;

/**
 * Paces new sessions per replica and per client address. Neither a reconnect storm nor one client can overwhelm a
 * replica. A session over the rate waits a little; one that would wait too long is refused.
 */
export function createAdmission(options: { perReplica: number; perClient: number; maxWaitMs: number }) {
  const replicas = new Map<string, Pacer>();
  const clients = new Map<string, Pacer>();
  const timer = setInterval(() => {
    const now = performance.now();
    for (const pacers of [replicas, clients])
      for (const [key, pacer] of pacers) if (pacer.idle(now)) pacers.delete(key);
  }, forgetEveryMs).unref();

  function pacerOf(pacers: Map<string, Pacer>, key: string, perSecond: number, burst: number): Pacer {
    const known = pacers.get(key);
    if (known !== undefined) return known;
    const pacer = createPacer(perSecond, burst);
    pacers.set(key, pacer);
    return pacer;
  }

  return {
    /** False: this client address opens sessions too fast. */
    client: (address: string): boolean =>
      pacerOf(clients, address, options.perClient, options.perClient).take(performance.now(), 0) !== undefined,
    /** Milliseconds until `replica` takes one more session (0: now); undefined: it has too many waiting. */
    replica: (id: string): number | undefined =>
      pacerOf(replicas, id, options.perReplica, options.perReplica * burstShare).take(
        performance.now(),
        options.maxWaitMs,
      ),
    close: () => clearInterval(timer),
  };
}

export type Admission = ReturnType<typeof createAdmission>;
