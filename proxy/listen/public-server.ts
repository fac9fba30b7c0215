import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Metrics } from "../metrics.ts";
import type { RequestHead } from "../screen/request-head.ts";
import { methodNotAllowed, type Refusal } from "../screen/screen.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { awaitFirstBytes, destroyIt } from "./first-bytes.ts";
import { closeGently, type Reply, reply, replyOf, replyOnSocket } from "./replies.ts";

/** Largest request head, bytes; above it 431. */
const maxHeaderSize = 16_384;
/** A client connection that moves no byte for so long is closed, ms: above the 25 s of a poll. */
const idleMs = 120_000;
/** An idle kept-alive client connection is closed after this, ms. */
const keepAliveTimeout = 65_000;
/** A request must be complete within this, ms. */
const requestTimeout = 60_000;

const tooManyConnections: Refusal = {
  status: 503,
  reason: "connections",
  message: "too many connections",
  headers: { "retry-after": "5" },
};

export interface PublicServerOptions {
  headTimeoutMs: number;
  tls?: { cert: Buffer; key: Buffer };
  limits: ConnectionLimits;
  metrics: Metrics;
  serve(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: RequestHead, socket: Socket, head: Buffer): void;
  /** What follows the head of this request, already served, is malformed: nothing more may go to a replica. */
  malformed(request: IncomingMessage): void;
}

/** Where a connection keeps the answer that it is getting. */
const answering = Symbol("answering");
type Answering = Socket & { [answering]?: ServerResponse };

const nothing = Buffer.alloc(0);

/**
 * A public listener: Node's HTTP server with every limit set, and an answer for everything that is not a request. A
 * connection that begins with a plain WebSocket upgrade goes straight to `upgrade`.
 */
export function createPublicServer(given: PublicServerOptions): { server: Server; closeAllConnections(): void } {
  const { headTimeoutMs, tls, limits, metrics, serve, upgrade, malformed } = given;
  const options = {
    maxHeaderSize,
    keepAliveTimeout,
    requestTimeout,
    headersTimeout: headTimeoutMs,
    noDelay: true,
    connectionsCheckingInterval: Math.min(1_000, headTimeoutMs),
    requireHostHeader: true,
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === "websocket",
  };
  const server: Server = tls === undefined ? createHttpServer(options) : createHttpsServer({ ...options, ...tls });
  server.maxConnections = limits.hardCap;
  server.timeout = idleMs;

  server.on("connection", limits.opened);
  // The socket under that of TLS, which has an owner of its own.
  if (tls !== undefined) server.on("connection", (socket: Socket) => socket.on("error", destroyIt));
  const silent = awaitFirstBytes(server, tls === undefined ? "connection" : "secureConnection", {
    timeoutMs: headTimeoutMs,
    upgrade: (request, socket) => onUpgrade(request, socket, nothing),
    timedOut: (socket) => closeGently(socket, refusalOf("ERR_HTTP_REQUEST_TIMEOUT")),
  });
  server.on("drop", () => metrics.rejected.inc("connections-dropped"));
  server.on("tlsClientError", () => metrics.rejected.inc("tls"));
  server.on("request", (request, response) => {
    (request.socket as Answering)[answering] = response;
    if (!limits.isRefused(request.socket)) return serve(request, response);
    metrics.rejected.inc(tooManyConnections.reason);
    reply(request, response, replyOf(tooManyConnections), true);
  });
  function onUpgrade(request: RequestHead, socket: Socket, head: Buffer): void {
    if (limits.isRefused(socket)) {
      metrics.rejected.inc(tooManyConnections.reason);
      replyOnSocket(socket, replyOf(tooManyConnections));
    } else upgrade(request, socket, head);
  }
  server.on("upgrade", (request, socket, head) => onUpgrade(request, socket as Socket, head));
  server.on("connect", (_request, socket) => {
    metrics.rejected.inc(methodNotAllowed.reason);
    replyOnSocket(socket, replyOf(methodNotAllowed));
  });
  server.on("checkExpectation", (request, response) => {
    metrics.rejected.inc("expectation");
    reply(request, response, { status: 417, body: { error: "expectation not met" } }, true);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    if (socket.writableEnded) return;
    const response = (socket as Answering)[answering];
    const midAnswer = response?.headersSent === true && !response.closed;
    if (response !== undefined) malformed(response.req);
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    if (midAnswer) {
      socket.destroySoon();
      return;
    }
    closeGently(socket, refusalOf(error.code));
  });

  function refusalOf(code: string | undefined): Reply {
    const [status, reason] = parserRefusal(code);
    metrics.rejected.inc(reason);
    return { status, body: { error: `not a request that can be served: ${code ?? "malformed"}` } };
  }

  return {
    server,
    /** Those on which nothing has come yet, too. */
    closeAllConnections(): void {
      server.closeAllConnections();
      silent.close();
    },
  };
}

function parserRefusal(code: string | undefined): [status: number, reason: string] {
  if (code === "HPE_HEADER_OVERFLOW") return [431, "head-too-large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "head-timeout"];
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return [413, "chunk-extensions"];
  return [400, "malformed"];
}
