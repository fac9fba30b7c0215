import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A small real HTTP server in place of a replica, controlled by the test. */
export interface Upstream {
  id: string;
  port: number;
  /** Received requests and upgrades, without `/readyz`. */
  seen: IncomingMessage[];
  /** The answer of `/readyz`, and its delay. */
  ready: { status: number; body: unknown; afterMs?: number };
  /** Number of requests for `/readyz`. */
  probes: number;
  /** Open upgraded sockets. */
  sockets: Set<Socket>;
  /** Number of client connections so far, without probes if `/readyz` has a connection of its own. */
  connections(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface UpstreamOptions {
  /** Default: 200 with the id and the request's headers as JSON. */
  onRequest?(request: IncomingMessage, response: ServerResponse): void;
  /** Called with the socket after the 101; default: echoes every byte. */
  onTunnel?(socket: Socket, request: IncomingMessage): void;
  /** Answer in place of the 101. */
  onUpgrade?(request: IncomingMessage, socket: Socket): void;
  /** Default: any free port. */
  port?: number;
  /** Default: 127.0.0.1. */
  host?: string;
}

/** The upstreams' 101, with software headers that the proxy must remove. */
export const switching =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: secret/1.0\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

export async function startUpstream(id: string, options: UpstreamOptions = {}): Promise<Upstream> {
  const seen: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const ready: Upstream["ready"] = { status: 200, body: { node: id, state: "ready" } };
  const upstream = { id, seen, sockets, ready, probes: 0 };
  let connections = 0;
  const server = createServer((request, response) => {
    if (request.url === "/readyz") {
      upstream.probes += 1;
      const { status, body, afterMs } = upstream.ready;
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      if (afterMs === undefined) response.end(JSON.stringify(body));
      else setTimeout(() => response.end(JSON.stringify(body)), afterMs);
      return;
    }
    seen.push(request);
    if (options.onRequest !== undefined) return options.onRequest(request, response);
    request.resume();
    response.writeHead(200, { "content-type": "application/json", server: "secret/1.0", "x-powered-by": "secret" });
    response.end(JSON.stringify({ id, url: request.url, method: request.method, headers: request.headers }));
  });
  server.on("connection", () => {
    connections += 1;
  });
  server.on("upgrade", (request, duplex) => {
    const socket = duplex as Socket;
    seen.push(request);
    socket.on("error", () => socket.destroy());
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    if (options.onUpgrade !== undefined) return options.onUpgrade(request, socket);
    socket.setNoDelay(true).write(switching);
    if (options.onTunnel !== undefined) options.onTunnel(socket, request);
    else socket.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, options.host ?? "127.0.0.1", resolve);
  });
  return Object.assign(upstream, {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
