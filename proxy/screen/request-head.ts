import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Headers that decide about a request. */
export interface DecidingHeaders
  extends Pick<
    IncomingHttpHeaders,
    | ("host" | "connection" | "upgrade" | "cookie" | "origin" | "content-length" | "transfer-encoding")
    | "sec-websocket-key"
  > {
  forwarded?: string | string[] | undefined;
  "x-forwarded-for"?: string | string[] | undefined;
  "x-forwarded-proto"?: string | string[] | undefined;
  "x-forwarded-host"?: string | string[] | undefined;
}

/** What is read of a request to decide about it: Node's requests have it, and so has a plain upgrade. */
export interface RequestHead extends Pick<IncomingMessage, "httpVersion" | "httpVersionMajor" | "rawHeaders"> {
  method?: string | undefined;
  url?: string | undefined;
  headers: DecidingHeaders;
  socket: Socket;
}
