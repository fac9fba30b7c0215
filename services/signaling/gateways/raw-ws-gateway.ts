import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { createOriginLog } from "../../../common/http/origin.ts";
import type { Log } from "../../../common/log.ts";
import { RAW_WS_PATH, RAW_WS_SUBPROTOCOL, SOCKET_IO_PATH } from "../../../common/protocol-names.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Config } from "../config.ts";
import type { Ledger } from "../intake/ledger.ts";
import { createLimits, type LimitRules } from "../intake/limits.ts";
import type { Turns } from "../intake/turns.ts";
import { boundedWebSocketServer } from "../intake/web-socket-bounds.ts";
import { eventLabel, type Metrics } from "../metrics.ts";
import { createAuthorizer, expiresIn, type Grant, NotNowError } from "../rooms/authorize.ts";
import type { Relay } from "../rooms/relay.ts";
import type { Switchboard } from "../rooms/switchboard.ts";
import type { Connection, Leave } from "./connection.ts";
import { createHalfClose } from "./half-close.ts";
import { originMayConnect } from "./origin.ts";
import { createRoomFanout, type RoomMessage } from "./raw-ws-fanout.ts";
import { writeFrame } from "./raw-ws-frame.ts";
import { CLOSE, createRawSocket, type RawSocket } from "./raw-ws-socket.ts";
import { traceIdOf } from "./trace-id.ts";

/** The raw WebSocket gateway of a replica, on `/ws`: the room rules of the other gateway on JSON text frames. */
export function createRawWsGateway(options: {
  config: Config;
  http: HttpServer;
  backplane: Backplane;
  /** The unfinished input and the unread output of all connections. */
  unfinished: Ledger;
  unread: Ledger;
  turns: Turns;
  limitRules: LimitRules;
  metrics: Metrics;
  log: Log;
}) {
  const { config, backplane, unfinished, unread, turns, metrics, log } = options;
  const sockets = new Map<Connection, RawSocket>();
  /** Local members, by room and then by peer. */
  const rooms = new Map<string, Map<string, Connection>>();
  const wss = new (boundedWebSocketServer(unfinished))({
    noServer: true,
    maxPayload: config.MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(RAW_WS_SUBPROTOCOL) ? RAW_WS_SUBPROTOCOL : false),
  });
  const authorize = createAuthorizer(config);
  const tellRefused = createOriginLog(log);
  let switchboard: Switchboard | undefined;
  let leave: Leave = () => undefined;
  const holdHalfClose = createHalfClose({ mode: config.HALF_CLOSE, log });

  const fanout = createRoomFanout({
    nodeId: config.NODE_ID,
    backplane,
    metrics,
    log,
    deliver,
  });

  /** Delivers to the local members of a room, but never to the sender. Returns their number. */
  function deliver(roomId: string, { event, to, skip, signal }: RoomMessage): number {
    const members = rooms.get(roomId);
    if (members === undefined) return 0;
    const text = writeFrame({ event, data: signal });
    let count = 0;
    for (const [peerId, connection] of members) {
      if (peerId === signal.from || (to !== undefined && peerId !== to) || skip.includes(peerId)) continue;
      sockets.get(connection)?.write(text);
      count += 1;
    }
    return count;
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? "").split("?")[0] ?? "";
    if (path.startsWith(SOCKET_IO_PATH)) return;
    // The WebSocket adds its own listener later. A reset before that is not an error of the replica.
    socket.on("error", destroy);
    if (path !== RAW_WS_PATH) refuse(socket, "404 Not Found");
    else if (!originMayConnect(request.headers, config.ALLOWED_ORIGINS, tellRefused)) refuse(socket, "403 Forbidden");
    else if (authorize === null) upgrade(null);
    else
      authorize(bearerOf(request)).then(upgrade, (error: unknown) => {
        const isLater = error instanceof NotNowError;
        metrics.events.inc({ event: "connect", outcome: isLater ? error.data.code : "unauthorized" });
        if (!isLater) refuse(socket, "401 Unauthorized");
        else
          refuse(socket, "503 Service Unavailable", `Retry-After: ${Math.ceil(error.data.retryAfterMs / 1_000)}\r\n`);
      });

    function upgrade(grant: Grant | null): void {
      wss.handleUpgrade(request, socket, head, (webSocket) => accept(webSocket, request, grant));
    }
  }

  function accept(webSocket: WebSocket, request: IncomingMessage, grant: Grant | null): void {
    metrics.opened.inc({ transport: "ws" });
    metrics.connections.inc({ transport: "ws" });
    const entered = new Set<string>();
    const limits = createLimits(options.limitRules, request);
    const raw = createRawSocket(webSocket, {
      pingMs: config.WS_PING_MS,
      maxBufferedBytes: config.MAX_BUFFERED_BYTES,
      limits,
      perSecond: config.EVENTS_PER_SECOND,
      maxEventBytes: config.MAX_EVENT_BYTES,
      unfinished,
      unread,
      turns,
      onFrame({ event, args, id }) {
        if (switchboard === undefined) return;
        switchboard.handle(connection, event, args, (ack) => {
          if (id !== undefined) raw.ack(id, ack);
          else if (!ack.ok) raw.report(event, ack.error.code, ack.error.message);
        });
      },
      onRefused: (event, code) => metrics.events.inc({ event: eventLabel(event), outcome: code }),
      onClose(reason) {
        clearTimeout(expiring);
        sockets.delete(connection);
        for (const roomId of entered) exit(roomId, connection);
        metrics.connections.dec({ transport: "ws" });
        metrics.closed.inc({ reason });
        switchboard?.lose(connection);
      },
    });
    const connection: Connection = {
      kind: "ws",
      grant,
      traceId: traceIdOf(request.headers),
      peerId: null,
      rooms: new Set(),
      limits,
      pace: raw.pace,
      send: raw.send,
      enter(roomId, peerId) {
        entered.add(roomId);
        enter(roomId, peerId, connection);
      },
      exit(roomId) {
        entered.delete(roomId);
        exit(roomId, connection);
      },
      disconnect: () => raw.close(CLOSE.restart, "draining"),
      terminate: () => raw.close(CLOSE.stayAway, "ended"),
    };
    sockets.set(connection, raw);
    holdHalfClose(webSocket, connection, leave);
    const expiring = expiresIn(grant, () => switchboard?.expire(connection));
  }

  function enter(roomId: string, peerId: string, connection: Connection): void {
    const members = rooms.get(roomId) ?? new Map<string, Connection>();
    rooms.set(roomId, members.set(peerId, connection));
    fanout.open(roomId);
  }

  function exit(roomId: string, connection: Connection): void {
    const members = rooms.get(roomId);
    const { peerId } = connection;
    if (members === undefined || peerId === null || members.get(peerId) !== connection) return;
    members.delete(peerId);
    if (members.size > 0) return;
    rooms.delete(roomId);
    fanout.close(roomId);
  }

  options.http.on("upgrade", onUpgrade);

  return {
    /** Begins to serve sockets by the switchboard's rules. `leave` says when a client's other side may end too. */
    serve(rules: Switchboard, onLeave: Leave): void {
      switchboard = rules;
      leave = onLeave;
    },
    /** Delivers to the members of this kind on all replicas. Returns the number of local ones. */
    relay({ event, roomId, to, signal, remote, skip }: Relay): number {
      if (remote.ws) fanout.publish(roomId, { event, to, skip, signal });
      return deliver(roomId, { event, to, skip, signal });
    },
    /** Tells the members of a room that are connected here, but for the peer `except`. */
    tell(roomId: string, event: "peer-joined" | "peer-away" | "peer-left", data: unknown, except?: string): void {
      const members = rooms.get(roomId);
      if (members === undefined) return;
      const text = writeFrame({ event, data });
      for (const [peerId, connection] of members) if (peerId !== except) sockets.get(connection)?.write(text);
    },
    connections: (): Iterable<Connection> => sockets.keys(),
    roomIds: (): Iterable<string> => rooms.keys(),
    close(): void {
      options.http.off("upgrade", onUpgrade);
      for (const raw of sockets.values()) raw.close(CLOSE.restart, "closed");
    },
  };
}

/** Shared: a function of each socket's own would keep its request, with all headers, as long as the socket lives. */
function destroy(this: Duplex): void {
  this.destroy();
}

/** The token comes as a subprotocol, `bearer.<token>`: a page can set no other header, and URLs are logged. */
function bearerOf({ headers }: IncomingMessage): string | undefined {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return offered.find((name) => name.startsWith("bearer."))?.slice("bearer.".length);
}

function refuse(socket: Duplex, status: string, header = ""): void {
  socket.end(`HTTP/1.1 ${status}\r\n${header}Connection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
