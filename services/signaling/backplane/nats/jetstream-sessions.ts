import { hash } from "node:crypto";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Carrier } from "../carrier.ts";
import { createSessionSeal, type SessionStore } from "../streams/session-store.ts";
import { type JetStreamConnection, sessions } from "./jetstream-connection.ts";

/** Sessions in a stream with one message a session. The name of its subject is a hash: clients choose the id. */
export function createJetStreamSessions(
  { envelope, reconnector, drop }: Carrier<JetStreamConnection>,
  keepMs: number,
): SessionStore {
  const { seal, open } = createSessionSeal(envelope, keepMs);
  const subjectOf = (pid: string) => `${sessions.subjects}.${hash("sha256", pid, "base64url")}`;
  return {
    put(session) {
      reconnector
        .connection()
        ?.publisher.publish(subjectOf(session.pid), seal(session))
        .catch((error: unknown) => drop("unsent", error));
    },
    async take(pid) {
      const manager = reconnector.connection()?.manager;
      if (manager === undefined) return null;
      const kept = await manager.streams.getMessage(sessions.name, { last_by_subj: subjectOf(pid) });
      if (kept === null) return null;
      try {
        // Of several replicas that ask for it, one deletes it.
        if (!(await manager.streams.deleteMessage(sessions.name, kept.seq, false))) return null;
      } catch (error) {
        if (error instanceof JetStreamApiError) return null;
        throw error;
      }
      return open(pid, kept.string());
    },
  };
}
