import { randomBytes } from "node:crypto";
import type { Log } from "../../../common/log.ts";
import {
  type JoinAck,
  JoinOptions,
  type LeaveAck,
  type RelayAck,
  type RelayEvent,
  RoomId,
} from "../../../common/protocol.ts";
import { RELAYED } from "../../../common/protocol-names.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Config } from "../config.ts";
import type { Connection } from "../gateways/connection.ts";
import { eventLabel, type Metrics } from "../metrics.ts";
import type { Directory } from "../presence/directory.ts";
import type { Presence } from "../presence/presence.ts";
import { allowsRoom } from "./authorize.ts";
import { eventSize, maxDepth } from "./event-size.ts";
import { iceServersFor } from "./ice-servers.ts";
import { notInRoom, refused, tooLarge, tooMany } from "./refusal.ts";
import { createRelay, type Relay } from "./relay.ts";
import type { ResumeTokens } from "./resume-token.ts";

type Ack = JoinAck | RelayAck | LeaveAck;

/** The data of a connection in its stored session, for a backplane that recovers sessions. */
export interface Recovered {
  peerId: string;
  subject: string | null;
  rooms: string[];
}

/**
 * The rules of rooms, the same for both gateways: joins, refusals and their codes, the addressees of a relay and its
 * ack.
 */
export function createSwitchboard(options: {
  config: Config;
  directory: Directory;
  backplane: Backplane;
  presence: Presence;
  resumeTokens: ResumeTokens;
  /** Passes a relay to the gateways. Returns the number of local members that it reached. */
  relay: (relay: Relay) => number;
  draining: () => boolean;
  overloaded: () => boolean;
  metrics: Metrics;
  log: Log;
}) {
  const { config, directory, backplane, presence, resumeTokens, metrics, log } = options;
  /** The live connection of each peer of this replica. */
  const peers = new Map<string, Connection>();
  const relay = createRelay(options);

  /** Carries an event out. Its ack comes at once, except for a join that other replicas must confirm. */
  function handle(connection: Connection, event: string, args: readonly unknown[], reply: (ack: Ack) => void): void {
    const ack = decide(connection, event, args);
    if (ack instanceof Promise) void ack.then((late) => reply(count(connection, event, late)));
    else reply(count(connection, event, ack));
  }

  function count(connection: Connection, event: string, ack: Ack): Ack {
    const known = eventLabel(event);
    metrics.events.inc({ event: known, outcome: ack.ok ? "ok" : ack.error.code });
    const { traceId, peerId: peer } = connection;
    if (!ack.ok) {
      log.debug({ traceId, peer, code: ack.error.code }, `refused ${known}: ${ack.error.message}`);
      if (traceId !== undefined) ack.error.traceId = traceId;
    }
    return ack;
  }

  function decide(connection: Connection, event: string, args: readonly unknown[]): Ack | Promise<Ack> {
    const size = eventSize(args, config.MAX_EVENT_BYTES);
    if (size === undefined) return refused("invalid", `nested deeper than ${maxDepth} levels`);
    if (size.packets > config.MAX_EVENT_BYTES) return tooLarge(size.packets, config.MAX_EVENT_BYTES);
    if (event === "join") return join(connection, args);
    if (event === "leave") return leave(connection, args);
    if (isRelayed(event)) return relay(connection, event, args, size);
    return refused("invalid", `no such event: ${event.slice(0, 64)}`);
  }

  function join(connection: Connection, [room, given]: readonly unknown[]): JoinAck | Promise<JoinAck> {
    const roomId = RoomId.safeParse(room);
    if (!roomId.success) return refused("invalid", "roomId must be a well-formed string of 1 to 128 characters");
    const joinOptions = JoinOptions.safeParse(given ?? {});
    if (!joinOptions.success) return refused("invalid", "join options must be an object; resume a string");
    if (options.draining())
      return refused("draining", "this replica is draining: connect again", { retryAfterMs: 250 });
    const id = roomId.data;
    const now = Date.now();
    if (!allowsRoom(connection.grant, id)) return refused("unauthorized", "the token does not name this room");
    const { resume } = joinOptions.data;
    const resumed = resume === undefined ? null : resumeTokens.verify(resume, subjectOf(connection), now);
    if (resumed !== null && connection.peerId !== null && connection.peerId !== resumed)
      return refused("invalid", `this socket is peer ${connection.peerId} already`);
    // Existing calls come first, so a resuming peer is accepted.
    if (resumed === null && options.overloaded())
      return refused("overloaded", "this replica cannot keep up: try again", { retryAfterMs: 1_000 });
    const peerId = connection.peerId ?? resumed ?? randomBytes(12).toString("base64url");
    const known = directory.member(id, peerId);
    if (!connection.rooms.has(id)) {
      if (connection.rooms.size >= config.MAX_ROOMS_PER_SOCKET)
        return refused("invalid", `a socket may be in ${config.MAX_ROOMS_PER_SOCKET} rooms`);
      if (known === undefined && directory.size(id) >= config.MAX_ROOM_MEMBERS)
        return refused("room-full", `the room has ${config.MAX_ROOM_MEMBERS} members`);
      if (!mayChange(connection, id)) return tooMany(connection.limits.refusal(), config.JOINS_PER_SECOND);
      const older = peers.get(peerId);
      if (older !== undefined && older !== connection) supersede(peerId);
      peers.set(peerId, connection);
      connection.peerId = peerId;
      connection.rooms.add(id);
      connection.enter(id, peerId);
      log.info({ traceId: connection.traceId, room: id, peer: peerId }, resumed === null ? "joined" : "joined again");
      const settled = presence.enter(id, peerId, connection.kind, backplane.subscribing(), () => {
        if (connection.rooms.has(id)) connection.send("settled", { roomId: id });
      });
      if (settled !== true) return settled.then((isSettled) => joined(connection, id, peerId, isSettled));
    }
    return joined(connection, id, peerId, true);
  }

  function joined(connection: Connection, id: string, peerId: string, settled: boolean): JoinAck {
    const now = Date.now();
    const others = [...directory.members(id)].filter((member) => member.peerId !== peerId);
    return {
      ok: true,
      node: config.NODE_ID,
      peerId,
      peers: others.map((member) => ({ peerId: member.peerId, ...(member.away ? { away: true } : {}) })),
      ...(settled ? {} : { settled: false as const }),
      resume: resumeTokens.mint(peerId, subjectOf(connection), now),
      ...(config.TURN_URLS.length === 0
        ? {}
        : { iceServers: iceServersFor(peerId, config.TURN_URLS, config.TURN_SECRET, now) }),
    };
  }

  /** A join or leave is announced to all replicas and told to all members. */
  const mayChange = ({ pace }: Connection, roomId: string): boolean => pace.takeChange(directory.size(roomId));

  function leave(connection: Connection, [room]: readonly unknown[]): LeaveAck {
    const roomId = RoomId.safeParse(room);
    if (!roomId.success) return refused("invalid", "roomId must be a well-formed string of 1 to 128 characters");
    if (!connection.rooms.has(roomId.data) || connection.peerId === null) return notInRoom();
    if (!mayChange(connection, roomId.data)) return tooMany(connection.limits.refusal(), config.JOINS_PER_SECOND);
    connection.rooms.delete(roomId.data);
    connection.exit(roomId.data);
    presence.leave(roomId.data, connection.peerId, "left");
    return { ok: true };
  }

  /** The peer joined again on another connection: the older one ends and its client does not reconnect. */
  function supersede(peerId: string): void {
    const older = peers.get(peerId);
    if (older === undefined) return;
    peers.delete(peerId);
    older.send("superseded", { peerId });
    older.rooms.clear();
    older.terminate();
  }

  /**
   * Its session was recovered with its rooms: the peer is present again. It is ended if the session belongs to another
   * subject.
   */
  function recover(connection: Connection, { peerId, subject, rooms }: Recovered): void {
    if (subject !== subjectOf(connection)) {
      connection.terminate();
      return;
    }
    const older = peers.get(peerId);
    if (older !== undefined) supersede(peerId);
    peers.set(peerId, connection);
    connection.peerId = peerId;
    for (const roomId of rooms) {
      connection.rooms.add(roomId);
      connection.enter(roomId, peerId);
      presence.enter(roomId, peerId, connection.kind);
    }
  }

  /** The connection's peer is away but still gets signals, because it is about to be moved. */
  function announce(connection: Connection, reason: "disconnected" | "draining"): void {
    const { peerId, rooms } = connection;
    if (peerId === null || peers.get(peerId) !== connection) return;
    for (const roomId of rooms) presence.lose(roomId, peerId, reason);
  }

  return {
    handle,
    supersede,
    recover,
    announce,
    /** The connection closed without `leave`, so its peer is away. */
    lose(connection: Connection): void {
      announce(connection, "disconnected");
      if (connection.peerId !== null && peers.get(connection.peerId) === connection) peers.delete(connection.peerId);
    },
    /** The connection's token has expired: its peer leaves, and the client is told why before it is ended. */
    expire(connection: Connection): void {
      const { peerId, rooms } = connection;
      connection.send("error-report", { event: "token", code: "unauthorized", message: "the token has expired" });
      if (peerId !== null && peers.get(peerId) === connection) {
        peers.delete(peerId);
        for (const roomId of rooms) presence.leave(roomId, peerId, "expired");
      }
      rooms.clear();
      connection.terminate();
    },
  };
}

export type Switchboard = ReturnType<typeof createSwitchboard>;

const subjectOf = ({ grant }: Connection): string | null => grant?.subject ?? null;

const isRelayed = (event: string): event is RelayEvent => (RELAYED as readonly string[]).includes(event);
