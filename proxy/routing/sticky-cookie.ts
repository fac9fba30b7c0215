import { randomFillSync } from "node:crypto";

const idBytes = 16;
/** Random bytes drawn ahead: one call to the generator for 256 ids instead of one each. */
const pool = Buffer.alloc(idBytes * 256);
let used = pool.length;

/** A fresh 128-bit id, 22 characters that need no quoting in a cookie. */
export function freshId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString("base64url", used - idBytes, used);
}

/**
 * The value of cookie `name`, if it is one that could be a route key (anything longer or stranger is garbage, and the
 * client gets a new one). The first of several wins: browsers send the most specific path first (RFC 6265, 5.4).
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (const pair of header.split(";")) {
    const eq = pair.indexOf("=");
    if (eq === -1 || pair.slice(0, eq).trim() !== name) continue;
    const value = pair.slice(eq + 1).trim();
    return /^[\w.-]{1,64}$/.test(value) ? value : undefined;
  }
  return undefined;
}

/** `Set-Cookie` for the browser session; `Secure` when the client came by TLS. */
export function stickyCookie(name: string, id: string, secure: boolean): string {
  return `${name}=${id}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}
