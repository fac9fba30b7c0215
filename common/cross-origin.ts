/**
 * What to say at the start of `ALLOWED_ORIGINS`; undefined where there is nothing to say. With `*` a server never
 * allows credentials: browsers then block every answer to a request that was sent with them (Fetch, 3.3.5).
 */
export function crossOriginAdvice(allowed: readonly string[] | undefined): string | undefined {
  if (allowed?.includes("*") !== true) return undefined;
  const moot = allowed.length > 1 ? "; the other origins in it change nothing" : "";
  return `ALLOWED_ORIGINS=*: pages of other origins connect without cookies, never with withCredentials${moot} (docs/clients.md)`;
}
