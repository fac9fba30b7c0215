import type { IncomingMessage } from "node:http";

/** The used part of a request that Engine.IO has read the query of. */
export type HandshakeRequest = Pick<IncomingMessage, "headers" | "rawHeaders" | "url"> & {
  _query?: Record<string, string>;
};

/**
 * Frees what nobody reads of the request that opened a session. Engine.IO keeps it for as long as the session has no
 * namespace, and Socket.IO keeps its query for good: with the longest head these are half a megabyte for each session.
 */
export function shrinkHandshake(request: HandshakeRequest): void {
  const { headers, url = "", _query: query = {} } = request;
  const { "x-request-id": traceId } = headers;
  const { EIO = "", transport = "" } = query;
  request.headers = traceId === undefined ? {} : { "x-request-id": traceId };
  request.rawHeaders = [];
  request.url = url.split("?", 1)[0] ?? "";
  request._query = { EIO, transport };
}
