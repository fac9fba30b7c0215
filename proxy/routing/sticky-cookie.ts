import { randomFillSync } from "node:crypto";

const idLength = 22;
/** Random bytes drawn ahead: one call to the generator serves 2,048 ids. A call costs more than its bytes. */
const pool = Buffer.alloc(33 * 1_024);
let used = pool.length;
/** Ids made ahead. An id is a part of this text and keeps it in memory, so it is short. */
let text = "";
const textBytes = 33 * 8;

/** A fresh id of 132 random bits, 22 characters that need no quoting in a cookie. */
export function freshId(): string {
  if (text === "") {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += textBytes;
    text = pool.toString("base64url", used - textBytes, used);
  }
  const id = text.slice(0, idLength);
  text = text.slice(idLength);
  return id;
}

/**
 * The value of cookie `name`, quoted or not, if it can be a route key. Any other value is ignored and the client gets a
 * new cookie. Browsers may send several: the first in the proxy's own form counts, else the first possible key.
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  let other: string | undefined;
  for (const value of cookieValues(header, name)) {
    if (ours.test(value)) return value;
    if (usable.test(value)) other ??= value;
  }
  return other;
}

/** The values of the cookies of this name, in order, without their quotes. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (header === undefined || !header.includes(name)) return [];
  const values: string[] = [];
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && pair.slice(0, equals).trim() === name) values.push(unquoted(pair.slice(equals + 1).trim()));
  }
  return values;
}

const ours = /^[\w-]{22}$/;
const usable = /^[\w.-]{1,64}$/;

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/** `Set-Cookie` for the browser session; `Secure` when the client came by TLS. */
export function stickyCookie(name: string, id: string, secure: boolean): string {
  return `${name}=${id}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}
