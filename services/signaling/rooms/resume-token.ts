import { createHmac, timingSafeEqual } from "node:crypto";

/** Validity of a resume token, ms. Every join ack renews it. */
const validMs = 24 * 3_600_000;

/**
 * Resume tokens: `<payload>.<HMAC-SHA256>`, base64url, over {peerId, JWT subject, expiry}. With one a join keeps its
 * peer id on any replica that has the same secret.
 */
export function createResumeTokens(secret: string) {
  const sign = (payload: string) => createHmac("sha256", secret).update(payload).digest();
  return {
    mint(peerId: string, subject: string | null, now: number): string {
      const payload = Buffer.from(JSON.stringify([peerId, subject, now + validMs])).toString("base64url");
      return `${payload}.${sign(payload).toString("base64url")}`;
    },
    /** The peer id that `token` proves to `subject`; null if it is forged, expired or of another subject. */
    verify(token: string, subject: string | null, now: number): string | null {
      const [payload = "", signature = ""] = token.split(".");
      const given = Buffer.from(signature, "base64url");
      const wanted = sign(payload);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
      const [peerId, owner, expiresAt] = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as [
        string,
        string | null,
        number,
      ];
      return owner === subject && expiresAt > now ? peerId : null;
    },
  };
}

export type ResumeTokens = ReturnType<typeof createResumeTokens>;
