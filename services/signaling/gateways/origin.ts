import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a page of that origin may connect. Unset: pages of the same host alone. No `Origin` header: no browser, so
 * always.
 */
export function mayConnect(headers: IncomingHttpHeaders, allowed: readonly string[] | undefined): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  if (allowed !== undefined && (allowed.includes("*") || allowed.includes(origin))) return true;
  return allowed === undefined && URL.canParse(origin) && new URL(origin).host === host;
}
