import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { IdleConnections } from "../fairness/idle-connections.ts";
import type { Turns } from "../fairness/turns.ts";
import type { Metrics } from "../metrics.ts";
import type { RequestHead } from "../screen/request-head.ts";
import { maxHeaderLines, methodNotAllowed, type Refusal } from "../screen/screen.ts";
import type { ReadInto } from "../tuning/late-onread.ts";
import type { ReadPlainUpgrade } from "../tuning/plain-upgrade.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { cutCrumbs } from "./crumbs.ts";
import { awaitFirstBytes, destroyIt } from "./first-bytes.ts";
import { HttpConnection } from "./http-connection.ts";
import { LinkedSet } from "./linked-set.ts";
import { disown } from "./owned-socket.ts";
import type { PendingBytes } from "./pending-bytes.ts";
import { closeGently, type Reply, reply, replyOf, replyOnSocket } from "./replies.ts";

/** Largest request head, bytes; above it 431. */
const maxHeaderSize = 16_384;
/** A client connection without a byte for this time is closed, ms. It is above the 25 s of a poll. */
const idleMs = 120_000;
/** An idle kept-alive client connection is closed after this, ms. */
const keepAliveTimeout = 65_000;

const tooManyConnections: Refusal = {
  status: 503,
  reason: "connections",
  message: "too many connections",
  headers: { "retry-after": "5" },
};

const twoInOne: Refusal = { status: 400, reason: "upgrade", message: "an upgrade must wait for the answer before it" };

export interface PublicServerOptions {
  headTimeoutMs: number;
  /** A complete request, body included, must arrive within this time. */
  requestTimeoutMs: number;
  readPlainUpgrade: ReadPlainUpgrade;
  readInto: ReadInto;
  tls?: { cert: Buffer; key: Buffer };
  limits: ConnectionLimits;
  pending: PendingBytes;
  /** Shared by all listeners. */
  turns: Turns;
  idle: IdleConnections;
  metrics: Metrics;
  serve(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: RequestHead, socket: Socket, head: Buffer): void;
  /**
   * Bytes behind the head of this request are malformed; the request is being served. Nothing more may go to a replica.
   */
  malformed(request: IncomingMessage): void;
}

const nothing = Buffer.alloc(0);

export interface PublicServer {
  server: Server;
  /** Connections that Node's HTTP server serves. */
  connections: LinkedSet<HttpConnection>;
  /** Closes silent connections, and those that wait for their next request. */
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/**
 * A public listener: Node's HTTP server with every limit set, and an answer for everything that is not a request. A
 * connection that begins with a plain WebSocket upgrade goes straight to `upgrade`. Every other connection goes to
 * Node's server, as if it had just arrived.
 */
export function createPublicServer(given: PublicServerOptions): PublicServer {
  const { headTimeoutMs, requestTimeoutMs, tls, limits, pending, turns, metrics, upgrade, malformed } = given;
  const connections = new LinkedSet<HttpConnection>();
  const options = {
    maxHeaderSize,
    keepAliveTimeout,
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(headTimeoutMs, requestTimeoutMs),
    handshakeTimeout: headTimeoutMs,
    noDelay: true,
    connectionsCheckingInterval: Math.min(1_000, headTimeoutMs),
    requireHostHeader: true,
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === "websocket",
  };
  const server: Server = tls === undefined ? createHttpServer(options) : createHttpsServer({ ...options, ...tls });
  server.maxConnections = limits.hardCap;
  server.timeout = idleMs;
  // One line more than allowed says that there are too many; nobody reads the others.
  server.maxHeadersCount = maxHeaderLines + 1;

  server.on("connection", limits.opened);
  // The TCP socket under a TLS socket; the TLS socket has an owner.
  if (tls !== undefined) server.on("connection", (socket: Socket) => socket.on("error", destroyIt));
  const waits = {
    timeoutMs: headTimeoutMs,
    turns,
    pending,
    addressOf: limits.accountable,
    refuse: (reason: "pipelining" | "pending" = "pending") => metrics.rejected.inc(reason),
  };
  const silent = [
    awaitFirstBytes(server, tls === undefined ? "connection" : "secureConnection", {
      ...waits,
      spoke(socket, chunk, serve) {
        const request = given.readPlainUpgrade(chunk, socket);
        if (request !== undefined) {
          onUpgrade(request, socket, nothing);
          return true;
        }
        disown(socket);
        // Node removes its own error listener before it hands an upgrade over, so this one stays.
        socket.on("error", destroyIt);
        serve(socket);
        onConnection(socket);
        socket.unshift(chunk);
        socket.resume();
        return false;
      },
      timedOut: (socket) => closeGently(socket, refusalOf("ERR_HTTP_REQUEST_TIMEOUT")),
    }),
  ];
  if (tls !== undefined)
    silent.push(
      // A handshake signs with the certificate's key. Node's TLS socket reads what its TCP socket has in its buffer.
      awaitFirstBytes(server, "connection", {
        ...waits,
        spoke(socket, chunk, serve) {
          disown(socket);
          socket.unshift(chunk);
          serve(socket);
          return false;
        },
        timedOut(socket) {
          metrics.rejected.inc("tls");
          socket.destroy();
        },
      }),
    );
  server.on("drop", () => metrics.rejected.inc("connections-dropped"));
  server.on("tlsClientError", () => metrics.rejected.inc("tls"));
  function onConnection(socket: Socket): void {
    const connection = new HttpConnection(socket, {
      address: limits.accountable(socket),
      pending,
      readInto: given.readInto,
      turns,
      idle: given.idle,
      refuse: waits.refuse,
    });
    connections.add(connection);
    socket.once("close", () => {
      connections.delete(connection);
      connection.closed();
    });
  }
  server.on("request", (request, response) => {
    cutCrumbs(request);
    if (HttpConnection.of(request.socket)?.take(request, response, serve) !== false) return;
    waits.refuse("pipelining");
    request.socket.destroy();
  });
  function serve(request: IncomingMessage, response: ServerResponse): void {
    if (limits.isRefused(request.socket)) {
      metrics.rejected.inc(tooManyConnections.reason);
      reply(request, response, replyOf(tooManyConnections), true);
    } else given.serve(request, response);
  }
  function onUpgrade(request: RequestHead, socket: Socket, head: Buffer): void {
    if (limits.isRefused(socket)) {
      metrics.rejected.inc(tooManyConnections.reason);
      replyOnSocket(socket, replyOf(tooManyConnections));
    } else upgrade(request, socket, head);
  }
  /** Takes a socket from Node's HTTP server. Returns the bytes behind the head. */
  function release(socket: Socket, head: Buffer): Buffer {
    const connection = HttpConnection.of(socket);
    if (connection === undefined) return head;
    connections.delete(connection);
    return connection.release(head);
  }
  server.on("upgrade", (request, duplex, head) => {
    const socket = duplex as Socket;
    const isBusy = HttpConnection.of(socket)?.busy === true;
    const behind = release(socket, head);
    if (!isBusy) return onUpgrade(request, socket, behind);
    metrics.rejected.inc(twoInOne.reason);
    replyOnSocket(socket, replyOf(twoInOne));
  });
  server.on("connect", (_request, duplex, head) => {
    release(duplex as Socket, head);
    metrics.rejected.inc(methodNotAllowed.reason);
    replyOnSocket(duplex, replyOf(methodNotAllowed));
  });
  server.on("checkExpectation", (request, response) => {
    metrics.rejected.inc("expectation");
    reply(request, response, { status: 417, body: { error: "expectation not met" } }, true);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    if (socket.writableEnded) return;
    const response = HttpConnection.of(socket)?.answering;
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
    connections,
    closeIdleConnections(): void {
      server.closeIdleConnections();
      for (const one of silent) one.close();
    },
    closeAllConnections: () => server.closeAllConnections(),
  };
}

function parserRefusal(code: string | undefined): [status: number, reason: string] {
  if (code === "HPE_HEADER_OVERFLOW") return [431, "head-too-large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "head-timeout"];
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return [413, "chunk-extensions"];
  return [400, "malformed"];
}
