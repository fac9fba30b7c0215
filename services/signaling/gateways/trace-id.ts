import type { IncomingHttpHeaders } from "node:http";

/**
 * The correlation id that the proxy minted for the request or tunnel (`x-request-id`): the same in the proxy's log,
 * in this replica's, and in the acks of refused events. Undefined for a client that came without the proxy.
 */
export function traceIdOf(headers: IncomingHttpHeaders): string | undefined {
  const id = headers["x-request-id"];
  return typeof id === "string" && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}
