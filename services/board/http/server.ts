import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { AdminError, createHostCheck } from "../../../common/admin-access.ts";
import { closeAtOnce, listenOn } from "../../../common/http/listening.ts";
import type { Log } from "../../../common/log.ts";
import { pageHeaders } from "./headers.ts";
import { sendFile, sendText } from "./reply.ts";
import type { Handler } from "./routes.ts";
import type { StaticFile } from "./static.ts";
import type { Stream } from "./stream.ts";

/** Paths of the page's own views. Each answers with the same index.html. */
const views = /^\/(|dashboards(\/[\w-]+)?|reports|runbooks(\/\w+)?|trainer)$/;

/** The board's only listener. It refuses every method but GET and HEAD, and an unknown `Host`. */
export function createBoardServer(options: {
  hostnames: readonly string[];
  routes: Record<string, Handler>;
  files: Map<string, StaticFile>;
  stream: Stream;
  metrics: () => Promise<string>;
  log: Log;
}) {
  const { routes, files, stream, log } = options;
  const checkHost = createHostCheck(options.hostnames);
  const patterns = Object.entries(routes).map(([pathname, handle]) => ({
    pattern: new URLPattern({ pathname }),
    handle,
  }));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkHost(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      throw new AdminError(405, "the board changes nothing: GET or HEAD");
    }
    const url = request.url?.startsWith("/") === true ? URL.parse(`http://board${request.url}`) : null;
    if (url === null) throw new AdminError(400, "the request target must be a path");
    const { pathname } = url;
    if (pathname === "/healthz") return sendText(request, response, '{"ok":true}\n');
    if (pathname === "/metrics")
      return sendText(request, response, await options.metrics(), { "content-type": "text/plain; version=0.0.4" });
    if (pathname === "/events") {
      response.writeHead(200, { ...pageHeaders, "content-type": "text/event-stream", "cache-control": "no-store" });
      if (request.method === "HEAD") response.end();
      else stream.add(response);
      return;
    }
    const file = views.test(pathname) ? files.get("/index.html") : files.get(pathname);
    if (file !== undefined) return sendFile(request, response, file, pathname.startsWith("/assets/"));
    if (views.test(pathname)) throw new AdminError(503, "the page is not built: npm run build");
    for (const { pattern, handle } of patterns) {
      const match = pattern.exec({ pathname });
      if (match !== null) return handle(request, response, match.pathname.groups, url.searchParams);
    }
    throw new AdminError(404, `not found: ${pathname}`);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const [status, message] = statusOf(error);
      if (status === 500) log.error({ err: error }, "request failed");
      if (response.headersSent) return void response.destroy();
      sendText(request, response, `${JSON.stringify({ error: message })}\n`, {}, status);
    });
  });

  return {
    /** Rejects with the system's error (EADDRINUSE …). */
    listen: (port: number, host: string) => listenOn(server, { port, host }),
    close: () => closeAtOnce(server),
  };
}

function statusOf(error: unknown): [status: number, message: string] {
  if (error instanceof AdminError) return [error.status, error.message];
  if (error instanceof z.ZodError) return [400, z.prettifyError(error).replaceAll("\n", " ")];
  return [500, "internal error: see the board's log"];
}
