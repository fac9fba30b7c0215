import { z } from "zod";
import type { Carrier } from "../carrier.ts";
import type { StreamsConnection } from "./stream-log.ts";

/** What outlives a socket that may recover. `joined` names the entry after which each room was joined. */
const StoredSession = z.object({
  sid: z.string(),
  pid: z.string(),
  rooms: z.array(z.string()),
  data: z.unknown(),
  joined: z.record(z.string(), z.string()),
});
export type StoredSession = z.infer<typeof StoredSession>;

const keyOf = (pid: string) => `hold-the-line:session:${pid}`;

/** Sessions of closed sockets in Redis, for `keepMs`. */
export function createSessionStore({ link, drop }: Carrier<StreamsConnection>, keepMs: number) {
  return {
    /** Nobody waits for it: without the backplane the session is not kept, and the peer joins anew. */
    put(session: StoredSession): void {
      const connection = link.connection();
      if (connection === undefined) return;
      connection.publisher
        .set(keyOf(session.pid), JSON.stringify(session), { expiration: { type: "PX", value: keepMs } })
        .catch((error: unknown) => drop("unsent", error));
    },
    /** Takes it: a session is recovered once. @throws when what is kept there is no session */
    async take(pid: string): Promise<StoredSession | null> {
      const connection = link.connection();
      if (connection === undefined) return null;
      const text = await connection.publisher.getDel(keyOf(pid));
      return text === null ? null : StoredSession.parse(JSON.parse(text));
    },
  };
}

export type SessionStore = ReturnType<typeof createSessionStore>;
