import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RequestHead } from "../screen/request-head.ts";
import { type Reply, reply, replyOnSocket } from "./replies.ts";

/** The plain port's answer with TLS: `308` to the same path by https, `400` without a host. */
export function createRedirect(port: number) {
  function answer({ headers, url = "/" }: RequestHead): Reply {
    const host = /^([\w.-]+|\[[0-9a-f:.]+\])(:\d+)?$/i.exec(headers.host ?? "")?.[1];
    if (host === undefined || !url.startsWith("/")) return { status: 400, body: { error: "name a host and a path" } };
    const location = `https://${host}${port === 443 ? "" : `:${port}`}${url}`;
    return { status: 308, body: { error: `use ${location.split("?")[0]}` }, headers: { location } };
  }
  return {
    serve: (request: IncomingMessage, response: ServerResponse) => reply(request, response, answer(request), true),
    upgrade: (request: RequestHead, socket: Socket) => replyOnSocket(socket, answer(request)),
  };
}
