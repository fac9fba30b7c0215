import { createHmac, timingSafeEqual } from "node:crypto";

/** Maximum number of sessions in a client's cookie, one for each tab. */
const remembered = 8;
/** Length of the signature, bytes: 128 bits. */
const macBytes = 16;

/** Replicas of plain sids, kept on the client. */
export interface MintedSids {
  /** Name of the cookie. */
  readonly cookie: string;
  /** The replica that minted this sid, from the cookie; undefined if the cookie does not name it. */
  replicaOf(value: string | undefined, sid: string, replicaIds: readonly string[]): string | undefined;
  /** Value of the cookie, with this session added to the earlier ones. */
  remember(value: string | undefined, sid: string, replicaId: string): string;
}

/**
 * Remembers which replica minted a session id that does not name it. The client keeps it, signed, in a cookie, so the
 * proxy keeps no state. It applies only to requests with that sid. Such a session stays when the table changes. The
 * cookie's value is `<replica>:<signature>` for each session, the newest first, `|` between.
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

/** The well-formed entries of a cookie's value. */
function entriesOf(value: string | undefined): string[] {
  return (value ?? "").split("|", remembered).filter((entry) => /^[\w.-]{1,64}:[\w-]{22}$/.test(entry));
}
