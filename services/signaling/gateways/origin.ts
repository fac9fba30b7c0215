import type { IncomingHttpHeaders } from "node:http";
import { mayConnect } from "../../../common/http/origin.ts";

/**
 * True if a page of the request's origin may connect. `X-Forwarded-Host` is the client's original host: the proxy sets
 * it on every request. No page can send that header itself (a fetch with it needs a preflight, and a WebSocket has no
 * headers to set).
 *
 * @param refused told of origin and host where it may not
 */
export function originMayConnect(
  headers: IncomingHttpHeaders,
  allowed: readonly string[] | undefined,
  refused: (origin: string | undefined, host: string | undefined) => void,
): boolean {
  const forwarded = headers["x-forwarded-host"];
  const host = (typeof forwarded === "string" && forwarded) || headers.host;
  const ok = mayConnect(headers.origin, host, allowed);
  if (!ok) refused(headers.origin, host);
  return ok;
}
