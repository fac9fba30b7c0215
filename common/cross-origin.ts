/**
 * A log line about `ALLOWED_ORIGINS` for the start; undefined if none is needed. With `*` a server never allows
 * credentials: browsers block every answer to a request with credentials then (Fetch, 3.3.5).
 */
export function crossOriginAdvice(allowed: readonly string[] | undefined): string | undefined {
  if (allowed?.includes("*") !== true) return undefined;
  const moot = allowed.length > 1 ? "; the other origins in it change nothing" : "";
  return `ALLOWED_ORIGINS=*: pages of other origins connect without cookies, never with withCredentials${moot} (docs/clients.md)`;
}
