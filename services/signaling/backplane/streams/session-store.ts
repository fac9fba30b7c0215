import { z } from "zod";
import type { Carrier } from "../carrier.ts";
import type { StreamsConnection } from "./stream-log.ts";

/** The stored data of a socket that may recover. `joined` names the entry after which each room was joined. */
const StoredSession = z.object({
  sid: z.string(),
  pid: z.string(),
  rooms: z.array(z.string()),
  data: z.unknown(),
  joined: z.record(z.string(), z.string()),
});
export type StoredSession = z.infer<typeof StoredSession>;

/** The purpose in the MAC of a session. */
const place = "session";

const keyOf = (pid: string) => `hold-the-line:session:${pid}`;

/**
 * Sessions of closed sockets in Redis, for `keepMs`, as `<MAC> <epoch ms> <JSON>`: only a replica can have kept them.
 */
export function createSessionStore({ envelope, reconnector, drop }: Carrier<StreamsConnection>, keepMs: number) {
  const textsOf = (pid: string, at: string, json: string) => [keyOf(pid), at, json];
  return {
    /** Nobody waits for it: without the backplane the session is not kept, and the peer joins anew. */
    put(session: StoredSession): void {
      const connection = reconnector.connection();
      if (connection === undefined) return;
      const [at, json] = [String(Date.now()), JSON.stringify(session)];
      const mac = envelope.sign(place, textsOf(session.pid, at, json));
      connection.publisher
        .set(keyOf(session.pid), `${mac} ${at} ${json}`, { expiration: { type: "PX", value: keepMs } })
        .catch((error: unknown) => drop("unsent", error));
    },
    /** Takes it: a session is recovered once. @throws when what is kept there is no session */
    async take(pid: string): Promise<(StoredSession & { closedAt: number }) | null> {
      const connection = reconnector.connection();
      if (connection === undefined) return null;
      const text = await connection.publisher.getDel(keyOf(pid));
      if (text === null) return null;
      const [, mac = "", at = "", json = ""] = /^(\S+) (\d+) (.*)$/s.exec(text) ?? [];
      if (!envelope.isSigned(place, textsOf(pid, at, json), mac)) throw new Error("a session that no replica kept");
      const closedAt = Number(at);
      return Date.now() - closedAt > keepMs ? null : { ...StoredSession.parse(JSON.parse(json)), closedAt };
    },
  };
}

export type SessionStore = ReturnType<typeof createSessionStore>;
