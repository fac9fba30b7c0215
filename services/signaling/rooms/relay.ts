import { randomBytes } from "node:crypto";
import type { Log } from "../../../common/log.ts";
import { type RelayAck, type RelayEvent, Signal } from "../../../common/protocol.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Config } from "../config.ts";
import type { Connection } from "../gateways/connection.ts";
import type { Metrics } from "../metrics.ts";
import type { Directory, Member } from "../presence/directory.ts";
import type { Presence } from "../presence/presence.ts";
import type { EventSize } from "./event-size.ts";
import { notInRoom, refused, tooLarge, tooMany } from "./refusal.ts";

/** The paths of a relay to other replicas. */
export interface Remote {
  /** Replicas that get it on their own channel, for their Socket.IO members. */
  replicas: readonly string[];
  /**
   * The receivers of the adapter's broadcast: none, the Socket.IO members on replicas without a channel of their own,
   * or all. A replica gets all relays of a sender on one way, which keeps their order.
   */
  broadcast: "none" | "rest" | "all";
  /** Whether it is published on the room's channel, for raw WebSocket members. */
  ws: boolean;
}

/** The addressees of a relay: one peer, or every peer in the room but the sender. */
export interface Relay {
  event: RelayEvent;
  roomId: string;
  to: string | undefined;
  sender: Connection;
  signal: Signal & { from: string; id: string };
  remote: Remote;
  /** Peers that do not get it: they are away, and get it from its sender when they are back. */
  skip: readonly string[];
}

const nobody: readonly never[] = [];

/** Relays a signal to its addressees, and decides on its ack. */
export function createRelay(options: {
  config: Config;
  directory: Directory;
  backplane: Backplane;
  presence: Presence;
  /** Passes a relay to the gateways. Returns the number of local members that it reached. */
  relay: (relay: Relay) => number;
  metrics: Metrics;
  log: Log;
}) {
  const { config, directory, backplane, presence, metrics, log } = options;
  const run = randomBytes(9).toString("base64url");
  let relayed = 0;
  const recovers = backplane.recovery !== undefined;
  const addresses = config.RELAY === "addressed" && !recovers;

  /** Chooses the ways to these replicas. */
  function waysTo(nodes: ReadonlySet<string>, ws: boolean): Remote {
    if (nodes.size === 0) return { replicas: nobody, broadcast: "none", ws };
    if (!addresses) return { replicas: nobody, broadcast: "all", ws };
    const replicas: string[] = [];
    let broadcast: Remote["broadcast"] = "none";
    for (const node of nodes) {
      // A replica whose capability is unknown gets both, and uses the one that it supports.
      const addressed = presence.abilitiesOf(node)?.addressed;
      if (addressed !== false) replicas.push(node);
      if (addressed !== true) broadcast = "rest";
    }
    return { replicas, broadcast, ws };
  }

  function addresseesOf(roomId: string, to: string | undefined): Iterable<Member> {
    if (to === undefined) return directory.members(roomId);
    const member = directory.member(roomId, to);
    return member === undefined ? nobody : [member];
  }

  return (
    connection: Connection,
    event: RelayEvent,
    [given]: readonly unknown[],
    size: EventSize,
  ): RelayAck | Promise<RelayAck> => {
    const startedAt = performance.now();
    const parsed = Signal.safeParse(given);
    if (!parsed.success)
      return refused("invalid", "a signal must be an object with a well-formed roomId of 1 to 128 characters");
    const { roomId, to } = parsed.data;
    const from = connection.peerId;
    if (from === null || !connection.rooms.has(roomId)) return notInRoom();
    if (event === "offer" && connection.grant?.role === "listener")
      return refused("unauthorized", "a listener offers nothing");
    const away: string[] = [];
    const nodes = new Set<string>();
    let connected = 0;
    let known = false;
    let isReached = true;
    let ws = false;
    for (const member of addresseesOf(roomId, to)) {
      if (member.peerId === from) continue;
      if (member.kind === "ws" && size.json > config.MAX_EVENT_BYTES)
        return tooLarge(size.json, config.MAX_EVENT_BYTES);
      if (member.away) {
        away.push(member.peerId);
        continue;
      }
      connected += 1;
      if (member.node === config.NODE_ID) continue;
      known = true;
      isReached &&= backplane.reaches(member.node);
      if (member.kind === "ws") ws = true;
      else nodes.add(member.node);
    }
    if (to !== undefined && connected === 0 && away.length === 0) return { ok: true, away: [to] };
    if (to === undefined)
      for (const node of presence.unsure(roomId)) {
        nodes.add(node);
        ws = true;
      }
    // The sender sends the signal to an away peer again, so a delivery now would double it. Where sessions are
    // recovered, it must be on record for them.
    if (!recovers && away.length > 0 && connected === 0 && nodes.size === 0) return { ok: true, away };
    if (!connection.pace.takeDeliveries(connected, size.json))
      return tooMany(connection.limits.refusal(), config.EVENTS_PER_SECOND);
    const signal = { ...parsed.data, from, id: `${run}${(relayed++).toString(36)}` };
    const relay = { event, roomId, to, sender: connection, signal, remote: waysTo(nodes, ws) };
    const local = options.relay({ ...relay, skip: recovers ? nobody : away });
    if (local > 0) metrics.relayDuration.observe({ scope: "local" }, (performance.now() - startedAt) / 1000);
    if (log.isLevelEnabled("debug")) {
      const members = `${local} local member${local === 1 ? "" : "s"}`;
      log.debug(
        { traceId: connection.traceId, room: roomId, peer: from },
        `[node ${config.NODE_ID}] relayed ${event} to ${roomId} (${members})`,
      );
    }
    const ack: RelayAck = away.length > 0 ? { ok: true, away } : { ok: true };
    if (known && !(isReached && backplane.up())) return notCarried(local);
    // Those on other replicas get it from the backplane's store, or not at all.
    const stored = known && nodes.size > 0 ? backplane.stored?.() : undefined;
    return stored === undefined ? ack : stored.then((isStored) => (isStored ? ack : notCarried(local)));
  };
}

const notCarried = (local: number): RelayAck =>
  refused("backplane-down", "members on other replicas did not get it: send it again", {
    ...(local > 0 ? { delivered: "local" } : {}),
  });
