import { replicaOfSid } from "./route.ts";

/** A polling session that was silent for so long is gone: above Socket.IO's 25 s ping and 20 s pong. */
const forgetAfterMs = 60_000;

/**
 * Long-polling sessions seen lately (a tunnel shows by itself that it is there), and those that the proxy moved off
 * their replica: their next request is answered as for an unknown session.
 */
export function createSessions() {
  const polling = new Map<string, number>();
  const shed = new Map<string, number>();
  const timer = setInterval(() => {
    const limit = performance.now() - forgetAfterMs;
    for (const sids of [polling, shed]) for (const [sid, at] of sids) if (at < limit) sids.delete(sid);
  }, 5_000).unref();

  return {
    /** A poll of this session passed. */
    polled: (sid: string) => void polling.set(sid, performance.now()),
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
      for (const sid of polling.keys()) if (replicaOfSid(sid) === replicaId) return sid;
      return undefined;
    },
    close: () => clearInterval(timer),
  };
}

export type Sessions = ReturnType<typeof createSessions>;
