import { randomBytes } from "node:crypto";
import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "socket.io";
import { createOriginLog } from "../../../common/http/origin.ts";
import type { Log } from "../../../common/log.ts";
import { NAMESPACE, SOCKET_IO_PATH } from "../../../common/protocol-names.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { ReplicaChannels } from "../backplane/replica-channel.ts";
import type { Config } from "../config.ts";
import { requireMethods } from "../intake/guarded.ts";
import { type EngineSocket, installIntake } from "../intake/install-intake.ts";
import type { Ledger } from "../intake/ledger.ts";
import type { LimitRules } from "../intake/limits.ts";
import { awaitLastWords, type PollingTransport, pollingMethods, takePollBodies } from "../intake/poll-body.ts";
import type { Turns } from "../intake/turns.ts";
import { boundedWebSocketServer, paceControlFrames } from "../intake/web-socket-bounds.ts";
import { eventLabel, type Metrics } from "../metrics.ts";
import { boundBuffer, isSlowConsumer } from "../outgoing/slow-consumer.ts";
import { createAuthorizer, expiresIn, type Grant, NotNowError } from "../rooms/authorize.ts";
import type { Relay } from "../rooms/relay.ts";
import type { Switchboard } from "../rooms/switchboard.ts";
import type { Connection, Leave } from "./connection.ts";
import { slimUpgrades } from "./engine-upgrades.ts";
import { createHalfClose } from "./half-close.ts";
import { shrinkHandshake } from "./handshake-request.ts";
import { originMayConnect } from "./origin.ts";
import { SocketIoConnection } from "./socketio-connection.ts";
import { createSocketIoDelivery, peerRoomOf, roomOf } from "./socketio-delivery.ts";
import { traceIdOf } from "./trace-id.ts";

/** The event by which replicas gossip presence. */
const gossipEvent = "presence";
/** Property of a socket, and of its transport connection, with its connection. */
const connectionKey = Symbol("connection");
/** Replaces the freed data of the handshake. */
const nothing = Object.freeze({});

interface Serving {
  [connectionKey]?: SocketIoConnection | undefined;
}
type ServedSocket = Socket & Serving;

/** The Socket.IO gateway of a replica. `switchboard` comes later by `serve`, since the two need each other. */
export function createSocketIoGateway(options: {
  config: Config;
  http: HttpServer;
  backplane: Backplane;
  /** The unfinished input and the unread output of all connections. */
  unfinished: Ledger;
  unread: Ledger;
  turns: Turns;
  limitRules: LimitRules;
  channels: ReplicaChannels;
  metrics: Metrics;
  log: Log;
}) {
  const { config, backplane, unfinished, unread, metrics, log } = options;
  const { ALLOWED_ORIGINS: allowed } = config;
  const tellRefused = createOriginLog(log);
  const connections = new Set<SocketIoConnection>();
  const io = new Server(options.http, {
    path: SOCKET_IO_PATH,
    serveClient: false,
    maxHttpBufferSize: config.MAX_MESSAGE_BYTES,
    destroyUpgrade: false,
    // Engine.IO takes any class that is built like the one of `ws`.
    wsEngine: boundedWebSocketServer(unfinished) as never,
    allowRequest: (request, decide) => {
      const ok = originMayConnect(request.headers, allowed, tellRefused);
      decide(ok ? null : "origin not allowed: see ALLOWED_ORIGINS and TRUSTED_PROXIES", ok);
    },
    ...(allowed === undefined
      ? {}
      : { cors: allowed.includes("*") ? { origin: "*" } : { origin: allowed, credentials: true } }),
    adapter: backplane.adapter,
    ...(backplane.recovery === undefined ? {} : { connectionStateRecovery: backplane.recovery }),
  });
  // A session id that names its replica: the proxy routes by it. 128 random bits as Engine.IO's own.
  slimUpgrades(io.engine);
  io.engine.generateId = () => `${config.NODE_ID}.${randomBytes(16).toString("base64url")}`;
  const intakeOf = installIntake(io, {
    ...options.limitRules,
    unfinished,
    turns: options.turns,
    onRefused: (event, code) => metrics.events.inc({ event: eventLabel(event), outcome: code }),
    onOverflow: (connection) => void connection.close(true),
  });
  const engine = io.engine as unknown as { createTransport(name: string, request: object): object };
  requireMethods("engine.io's server", engine, ["createTransport"]);
  requireMethods("polling", engine.createTransport("polling", { _query: { EIO: "4" } }), pollingMethods);
  const namespace = io.of(NAMESPACE);
  const delivery = createSocketIoDelivery({
    io,
    namespace,
    channels: options.channels,
    recovers: backplane.recovery !== undefined,
    metrics,
  });
  const authorize = createAuthorizer(config);
  const grants = new WeakMap<Socket, Grant>();
  if (authorize !== null)
    namespace.use((socket, next) => {
      authorize(socket.handshake.auth["token"]).then(
        (grant) => {
          grants.set(socket, grant);
          next();
        },
        (error: Error) => {
          metrics.events.inc({
            event: "connect",
            outcome: error instanceof NotNowError ? error.data.code : "unauthorized",
          });
          intakeOf(socket.conn).left();
          next(error);
        },
      );
    });

  // Listeners are shared by all connections: one for each would be most of what a connection keeps.
  function watchWebSocket(raw: EngineSocket): void {
    const { socket } = raw.transport;
    if (socket === undefined) return;
    paceControlFrames(socket, intakeOf(raw));
    holdHalfClose(socket, raw, onHalfClosed);
  }
  let leave: Leave = () => undefined;
  const holdHalfClose = createHalfClose({ mode: config.HALF_CLOSE, log });
  const onHalfClosed = (raw: EngineSocket & Serving) => {
    const { [connectionKey]: connection } = raw;
    return connection && leave(connection);
  };
  function onUpgraded(this: EngineSocket, { name }: { name: string }): void {
    metrics.connections.dec({ transport: "polling" });
    metrics.connections.inc({ transport: name });
    watchWebSocket(this);
  }
  function onClosed(this: EngineSocket, reason: string): void {
    // It sent what cannot be read. Without a closing handshake nothing more of it is read.
    if (reason === "parse error") this.transport.socket?.terminate();
    metrics.connections.dec({ transport: this.transport.name });
    metrics.closed.inc({ reason: isSlowConsumer(this) ? "slow-consumer" : reason.replaceAll(" ", "-") });
  }
  const bounds = { maxBytes: config.MAX_BUFFERED_BYTES, unread };
  io.engine.on("connection", (raw: EngineSocket) => {
    const transport = raw.transport.name;
    shrinkHandshake(raw.request);
    boundBuffer(raw, bounds);
    if (transport === "polling") {
      const polling = raw.transport as unknown as PollingTransport;
      takePollBodies(polling, {
        connection: raw,
        pace: intakeOf(raw).pace,
        unfinished,
        maxBytes: config.MAX_MESSAGE_BYTES,
        withinMs: config.BODY_TIMEOUT_MS,
      });
      awaitLastWords(polling);
    } else watchWebSocket(raw);
    metrics.opened.inc({ transport });
    metrics.connections.inc({ transport });
    raw.on("upgrade", onUpgraded).on("close", onClosed);
  });

  return {
    io,
    /** Begins to serve sockets by the switchboard's rules. `leave` says when a client's other side may end too. */
    serve(
      switchboard: Switchboard,
      { onGossip, leave: onLeave }: { onGossip: (gossip: unknown) => void; leave: Leave },
    ): void {
      leave = onLeave;
      namespace.on(gossipEvent, (gossip: unknown) => {
        try {
          onGossip(gossip);
        } catch (err) {
          metrics.backplaneDropped.inc({ reason: "poisoned" });
          log.warn({ err }, "malformed gossip dropped");
        }
      });
      function onEvent(this: ServedSocket, name: unknown, ...args: unknown[]): void {
        const { [connectionKey]: connection } = this;
        if (connection === undefined) return;
        // An event packet may come without a payload, or with a number for a name.
        const event = typeof name === "string" ? name : "";
        const last = args.at(-1);
        const reply = typeof last === "function" ? (last as (ack: unknown) => void) : null;
        switchboard.handle(connection, event, reply === null ? args : args.slice(0, -1), (ack) => {
          if (reply !== null) reply(ack);
          else if (!ack.ok)
            connection.send("error-report", { event, code: ack.error.code, message: ack.error.message });
        });
      }
      function onDisconnect(this: ServedSocket): void {
        const { [connectionKey]: connection } = this;
        if (connection === undefined) return;
        clearTimeout(connection.expiring);
        intakeOf(this.conn).left();
        connections.delete(connection);
        (this.conn as Serving)[connectionKey] = undefined;
        switchboard.lose(connection);
      }
      namespace.on("connection", (socket: ServedSocket) => {
        const intake = intakeOf(socket.conn);
        const connection = new SocketIoConnection(socket, {
          grant: grants.get(socket) ?? null,
          traceId: traceIdOf(socket.handshake.headers),
          intake,
          recovers: backplane.recovery !== undefined,
        });
        socket[connectionKey] = connection;
        (socket.conn as Serving)[connectionKey] = connection;
        intake.entered();
        connections.add(connection);
        release(socket);
        if (socket.recovered && socket.data.peerId !== undefined) switchboard.recover(connection, socket.data);
        socket.onAny(onEvent).on("disconnect", onDisconnect);
        connection.expiring = expiresIn(connection.grant, () => switchboard.expire(connection));
      });
    },
    gossip: (gossip: unknown) => namespace.serverSideEmit(gossipEvent, gossip),
    /** Delivers to the members of this kind, here and on other replicas; returns how many are here. */
    relay: (relay: Relay): number =>
      delivery.relay(relay, relay.sender instanceof SocketIoConnection ? relay.sender.socket.id : undefined),
    /** Delivers a relay from this replica's own channel. @throws Error if it is malformed */
    receive: delivery.receive,
    /** Tells the members of a room that are connected here, but for the peer `except`. */
    tell(roomId: string, event: string, data: unknown, except?: string): void {
      const operator = namespace.local.to(roomOf(roomId));
      (except === undefined ? operator : operator.except(peerRoomOf(except))).emit(event, data);
    },
    connections: (): Iterable<Connection> => connections,
    /** Ids of the rooms that have a member of this kind here. */
    roomIds: () =>
      [...namespace.adapter.rooms.keys()].flatMap((room) => (room.startsWith("r:") ? [room.slice(2)] : [])),
  };
}

/**
 * Frees what the handshake left: the request with its socket and headers, and the token, which `fetchSockets` would
 * send to other replicas.
 */
function release({ handshake, conn }: Socket): void {
  handshake.headers = nothing;
  handshake.auth = nothing;
  (conn as unknown as { request: unknown }).request = null;
}
