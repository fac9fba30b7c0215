import type { RequestHead } from "./request-head.ts";
import type { Refusal } from "./screen.ts";

/**
 * Cross-site WebSocket hijacking: browsers send cookies with a WebSocket to anywhere, and CORS does not apply.
 * Refuses an upgrade whose `Origin` is neither this host nor one of `allowed` (`*`: any). No `Origin`: no browser.
 */
export function screenOrigin(request: RequestHead, allowed: readonly string[] | undefined): Refusal | undefined {
  const { origin, host } = request.headers;
  if (allowed === undefined || origin === undefined || allowed.includes("*") || allowed.includes(origin))
    return undefined;
  if (URL.parse(origin)?.host === host?.toLowerCase()) return undefined;
  return { status: 403, reason: "origin", message: "this origin may not open WebSockets here" };
}
