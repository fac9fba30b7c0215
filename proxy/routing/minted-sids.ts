import { createHmac, timingSafeEqual } from "node:crypto";

/** Sessions that one client's cookie remembers: a tab each. */
const remembered = 8;
/** Bytes of the signature that are kept: 128 bits. */
const macBytes = 16;

/** Replicas of plain sids, kept on the client. */
export interface MintedSids {
  /** Name of the cookie. */
  readonly cookie: string;
  /** The replica that minted this sid, if the cookie says so; undefined: it does not. */
  replicaOf(value: string | undefined, sid: string, replicaIds: readonly string[]): string | undefined;
  /** Value of the cookie, with this session added to what it said before. */
  remember(value: string | undefined, sid: string, replicaId: string): string;
}

/**
 * Remembers which replica minted a session id that does not name it. The client keeps it, signed, in a cookie, so the
 * proxy keeps no state. It counts for requests with that sid alone. Such a session stays when the table changes.
 * The cookie's value is `<replica>:<signature>` for each session, the newest first, `|` between.
 */
export function createMintedSids(stickyCookie: string, secret: string): MintedSids {
  function macOf(sid: string, replicaId: string): Buffer {
    return createHmac("sha256", secret).update(`minted\n${replicaId}\n${sid}`).digest().subarray(0, macBytes);
  }
  return {
    cookie: `${stickyCookie}.sid`,
    replicaOf(value, sid, replicaIds) {
      for (const entry of entriesOf(value)) {
        const [replicaId = "", mac = ""] = entry.split(":", 2);
        const given = Buffer.from(mac, "base64url");
        if (
          given.length === macBytes &&
          replicaIds.includes(replicaId) &&
          timingSafeEqual(given, macOf(sid, replicaId))
        )
          return replicaId;
      }
      return undefined;
    },
    remember(value, sid, replicaId) {
      const entry = `${replicaId}:${macOf(sid, replicaId).toString("base64url")}`;
      const others = entriesOf(value).filter((other) => other !== entry);
      return [entry, ...others].slice(0, remembered).join("|");
    },
  };
}

/** What is in a cookie's value and can be ours. */
function entriesOf(value: string | undefined): string[] {
  return (value ?? "").split("|", remembered).filter((entry) => /^[\w.-]{1,64}:[\w-]{22}$/.test(entry));
}
