import { z } from "zod";
import type { Carrier } from "../carrier.ts";
import type { Envelope } from "../envelope.ts";
import type { StreamsConnection } from "./redis-stream.ts";

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

/** Keeps the sessions of closed sockets until they are taken, or too old. */
export interface SessionStore {
  /** Nobody waits for it: without the backplane the session is not kept, and the peer joins anew. */
  put(session: StoredSession): void;
  /** Takes it: a session is recovered once. @throws when what is kept there is no session */
  take(pid: string): Promise<KeptSession | null>;
}
type KeptSession = StoredSession & { closedAt: number };

/** How a session is kept, as `<MAC> <epoch ms> <JSON>`: only a replica can have kept it. */
export function createSessionSeal(envelope: Envelope, keepMs: number) {
  const textsOf = (pid: string, at: string, json: string) => [keyOf(pid), at, json];
  return {
    seal(session: StoredSession): string {
      const [at, json] = [String(Date.now()), JSON.stringify(session)];
      return `${envelope.sign(place, textsOf(session.pid, at, json))} ${at} ${json}`;
    },
    /** Null for one that is too old. @throws for what no replica kept under this id */
    open(pid: string, text: string): KeptSession | null {
      const [, mac = "", at = "", json = ""] = /^(\S+) (\d+) (.*)$/s.exec(text) ?? [];
      if (!envelope.isSigned(place, textsOf(pid, at, json), mac)) throw new Error("a session that no replica kept");
      const closedAt = Number(at);
      return Date.now() - closedAt > keepMs ? null : { ...StoredSession.parse(JSON.parse(json)), closedAt };
    },
  };
}

/** Sessions in Redis. */
export function createRedisSessions(
  { envelope, reconnector, drop }: Carrier<StreamsConnection>,
  keepMs: number,
): SessionStore {
  const { seal, open } = createSessionSeal(envelope, keepMs);
  return {
    put(session) {
      const connection = reconnector.connection();
      if (connection === undefined) return;
      connection.publisher
        .set(keyOf(session.pid), seal(session), { expiration: { type: "PX", value: keepMs } })
        .catch((error: unknown) => drop("unsent", error));
    },
    async take(pid) {
      const connection = reconnector.connection();
      if (connection === undefined) return null;
      const text = await connection.publisher.getDel(keyOf(pid));
      return text === null ? null : open(pid, text);
    },
  };
}
