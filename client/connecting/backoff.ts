/**
 * Delay before reconnect attempt `attempt` (from 0), ms: full jitter, `random() × min(cap, base × 2^attempt)`
 * (Marc Brooker, "Exponential Backoff And Jitter", 2015). Socket.IO's own backoff applies its cap after its jitter, so
 * from the fourth attempt on all clients retry in lockstep.
 */
export function backoffMs(attempt: number, random: () => number, { baseMs = 250, capMs = 3_000 } = {}): number {
  return random() * Math.min(capMs, baseMs * 2 ** attempt);
}
