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

/** The parts of a request that decide about it. Node's requests and plain upgrades have them. */
export interface RequestHead extends Pick<IncomingMessage, "httpVersion" | "httpVersionMajor" | "rawHeaders"> {
  method?: string | undefined;
  url?: string | undefined;
  headers: DecidingHeaders;
  socket: Socket;
}
