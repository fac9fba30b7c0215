import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { z } from "zod";
import { AdminError, createHostCheck, createMutationCheck } from "./admin-access.ts";
import { closeAtOnce, listenOn } from "./http/listening.ts";
import type { Log } from "./log.ts";

export interface AdminRequest {
  /** The decoded parameters of the path. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The parsed JSON body of a mutation; undefined without a body. */
  body: unknown;
}

export interface AdminReply {
  /** HTTP status; default 200. */
  status?: number;
  /** Sent as JSON. Undefined sends no body. */
  body?: unknown;
}

/** Keyed by method and path pattern: `"PUT /replicas/:id"`. */
export type AdminRoutes = Readonly<Record<string, (request: AdminRequest) => AdminReply | Promise<AdminReply>>>;

/** Largest body of a mutation, bytes. */
const bodyLimit = 65_536;

/**
 * The admin listener of a program: `GET /healthz` and `GET /metrics` for all, and the program's own routes, with JSON
 * bodies. It never shares a port with the public listener.
 *
 * Every request needs a known `Host`, so that no web page can read through DNS rebinding. A mutation needs
 * `content-type: application/json`, no `Origin` header, and the bearer token; without a token mutations are refused
 * unless the listener is on loopback.
 */
export function createAdminServer(options: {
  host: string;
  port: number;
  registry: Registry;
  routes: AdminRoutes;
  log: Log;
  /** Allowed names in a `Host` header, besides `localhost` and `host`: the program's service name. */
  hostnames?: readonly string[];
  /** Bearer token of a mutation. If undefined, mutations work on loopback only. */
  token?: string | undefined;
}) {
  const { registry, log } = options;
  const checkHost = createHostCheck([options.host, ...(options.hostnames ?? [])]);
  const checkMutation = createMutationCheck(options.token, () => (server.address() as AddressInfo).address);
  const routes = Object.entries<AdminRoutes[string]>({
    "GET /healthz": () => ({ body: { ok: true } }),
    ...options.routes,
  }).map(([key, handle]) => {
    const [method = "", pathname = ""] = key.split(" ");
    return { method, pattern: new URLPattern({ pathname }), handle };
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkHost(request);
    const url = parsePath(request.url ?? "");
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
    if (method === "GET" && url.pathname === "/metrics") {
      const text = await registry.metrics();
      response.writeHead(200, { "content-type": registry.contentType }).end(text);
      return;
    }
    if (method !== "GET") checkMutation(request);
    const matching = routes.flatMap((route) => {
      const match = route.pattern.exec({ pathname: url.pathname });
      return match === null ? [] : [{ ...route, groups: match.pathname.groups }];
    });
    const route = matching.find((candidate) => candidate.method === method);
    if (route === undefined) {
      if (matching.length === 0) throw new AdminError(404, `no such admin path: ${url.pathname}`);
      throw new AdminError(405, `${method} is not offered here: ${matching.map((other) => other.method).join(", ")}`);
    }
    const body = method === "GET" ? undefined : await readBody(request);
    const reply = await route.handle({ params: decodeAll(route.groups), query: url.searchParams, body });
    send(response, reply.status ?? 200, reply.body);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const [status, message] = statusOf(error);
      if (status === 500) log.error({ err: error }, "admin request failed");
      if (response.headersSent) return void response.destroy();
      if (status === 401) response.setHeader("www-authenticate", 'Bearer realm="hold-the-line"');
      send(response, status, { error: message });
    });
  });

  return {
    /** Resolves with the bound address; rejects with the system's error (EADDRINUSE …). */
    listen: () => listenOn(server, { port: options.port, host: options.host }),
    /** Closes the listener and its connections at once. Scrapers reconnect by themselves. */
    close: () => closeAtOnce(server),
  };
}

export type AdminServer = ReturnType<typeof createAdminServer>;

/** The parameters of a path, percent-decoded. @throws AdminError 400 if the encoding is broken */
function decodeAll(groups: Readonly<Record<string, string | undefined>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value ?? "")]));
  } catch (error) {
    throw new AdminError(400, `the path cannot be decoded: ${(error as Error).message}`);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = body === undefined ? "" : `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" }).end(text);
}

function statusOf(error: unknown): [status: number, message: string] {
  if (error instanceof AdminError) return [error.status, error.message];
  if (error instanceof z.ZodError) return [400, z.prettifyError(error).replaceAll("\n", " ")];
  return [500, "internal error: see the program's log"];
}

/** @throws AdminError 400 for a request target that is not a path, because this listener serves no other host */
function parsePath(target: string): URL {
  const url = target.startsWith("/") ? URL.parse(`http://admin${target}`) : null;
  if (url === null) throw new AdminError(400, "the request target must be a path");
  return url;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new AdminError(413, `the body is over ${bodyLimit} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new AdminError(400, `the body is not JSON: ${(error as Error).message}`);
  }
}
