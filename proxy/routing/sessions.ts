/** A polling session without a request for this time has ended. It is above Socket.IO's 25 s ping and 20 s pong. */
const forgetAfterMs = 60_000;

/**
 * Long-polling sessions seen lately (a tunnel shows by itself that it is there), and those that the proxy moved off
 * their replica: their next request is answered as for an unknown session.
 */
export function createSessions() {
  const polling = new Map<string, { replicaId: string; at: number }>();
  const shed = new Map<string, number>();
  const timer = setInterval(() => {
    const limit = performance.now() - forgetAfterMs;
    for (const [sid, { at }] of polling) if (at < limit) polling.delete(sid);
    for (const [sid, at] of shed) if (at < limit) shed.delete(sid);
  }, 5_000).unref();

  return {
    /**
     * This replica knows the session: it answered a request of it. A sid that it refuses may be made up.
     *
     * @param at `performance.now()`
     */
    polled(sid: string, replicaId: string, at: number): void {
      const known = polling.get(sid);
      if (known === undefined) polling.set(sid, { replicaId, at });
      else known.at = at;
    },
    /** It is carried by a tunnel now, or closed. */
    ended: (sid: string) => void polling.delete(sid),
    isShed(sid: string): boolean {
      if (!shed.has(sid)) return false;
      shed.set(sid, performance.now());
      return true;
    },
    shed(sid: string): void {
      polling.delete(sid);
      shed.set(sid, performance.now());
    },
    /** One polling session of this replica, if there is any. */
    anyOf(replicaId: string): string | undefined {
      for (const [sid, session] of polling) if (session.replicaId === replicaId) return sid;
      return undefined;
    },
    close: () => clearInterval(timer),
  };
}

export type Sessions = ReturnType<typeof createSessions>;
