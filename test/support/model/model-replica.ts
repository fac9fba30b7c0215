import type { Log } from "../../../common/log.ts";
import { createReplicaChannels, openInbox } from "../../../services/signaling/backplane/replica-channel.ts";
import type { Config } from "../../../services/signaling/config.ts";
import type { Connection } from "../../../services/signaling/gateways/connection.ts";
import { createRoomFanout, type RoomMessage } from "../../../services/signaling/gateways/raw-ws-fanout.ts";
import type { Metrics } from "../../../services/signaling/metrics.ts";
import { createBarrier } from "../../../services/signaling/presence/barrier.ts";
import { createDirectory, type Kind } from "../../../services/signaling/presence/directory.ts";
import type { Gossip } from "../../../services/signaling/presence/gossip.ts";
import { createPresence, type Presence } from "../../../services/signaling/presence/presence.ts";
import type { Relay } from "../../../services/signaling/rooms/relay.ts";
import { createResumeTokens } from "../../../services/signaling/rooms/resume-token.ts";
import { createSwitchboard } from "../../../services/signaling/rooms/switchboard.ts";
import type { Bus } from "./bus.ts";
import type { Connected } from "./contract.ts";

const gossipChannel = "gossip";
const broadcastChannel = "broadcast";

type Ack = { ok: boolean; away?: string[]; [key: string]: unknown };

export interface ModelConnection extends Connected {
  connection: Connection;
  open: boolean;
  readonly got: [event: string, data: Record<string, unknown>][];
}

/**
 * A replica without sockets. The room rules, presence and the paths to other replicas are the real ones. In place of a
 * gateway, a loop over a map delivers signals to local members.
 */
export async function startModelReplica(
  nodeId: string,
  bus: Bus,
  {
    config,
    metrics,
    log,
    weaken,
  }: { config: Config; metrics: Metrics; log: Log; weaken?: (presence: Presence) => Presence },
) {
  const link = bus.connect(nodeId);
  const { backplane } = link;
  const channels = createReplicaChannels(backplane);
  const directory = createDirectory();
  const connections = new Set<ModelConnection>();
  /** Local members of each kind, by room and then by peer. */
  const rooms: Record<Kind, Map<string, Map<string, ModelConnection>>> = { socketio: new Map(), ws: new Map() };
  let draining = false;
  let alive = true;

  function deliver(kind: Kind, roomId: string, { event, to, skip, signal }: RoomMessage): number {
    let count = 0;
    for (const [peerId, member] of rooms[kind].get(roomId) ?? []) {
      if (peerId === signal.from || (to !== undefined && peerId !== to) || skip.includes(peerId)) continue;
      if (!member.open) continue;
      member.got.push([event, signal]);
      count += 1;
    }
    return count;
  }

  const fanout = createRoomFanout({
    nodeId,
    backplane,
    metrics,
    log,
    deliver: (roomId, message) => deliver("ws", roomId, message),
  });

  function relay({ event, roomId, to, signal, remote, skip }: Relay): number {
    const message: RoomMessage = { event, to, skip: [...skip], signal };
    const body = JSON.stringify({ roomId, message });
    if (remote.replicas.length > 0) channels.relay(remote.replicas, Buffer.from(` ${body}`));
    if (remote.broadcast !== "none")
      backplane.fire(broadcastChannel, JSON.stringify({ nodeId, way: remote.broadcast, body }));
    if (remote.ws) fanout.publish(roomId, message);
    return deliver("socketio", roomId, message) + deliver("ws", roomId, message);
  }

  const receive = (body: string) => {
    const { roomId, message } = JSON.parse(body) as { roomId: string; message: RoomMessage };
    deliver("socketio", roomId, message);
  };

  const presence = createPresence({
    nodeId,
    directory,
    backplane,
    log,
    graceMs: config.AWAY_GRACE_MS,
    abilities: { addressed: config.RELAY === "addressed" },
    emit(gossip: Gossip, to?: string) {
      if (to === undefined) backplane.fire(gossipChannel, JSON.stringify(gossip));
      else channels.gossip(to, gossip);
    },
    local: {
      tell(roomId, event, data, except) {
        for (const kind of ["socketio", "ws"] as const)
          for (const [peerId, member] of rooms[kind].get(roomId) ?? [])
            if (peerId !== except) member.got.push([event, data as Record<string, unknown>]);
      },
      supersede: (peerId) => switchboard.supersede(peerId),
    },
  });
  const switchboard = createSwitchboard({
    config,
    directory,
    backplane,
    relay,
    metrics,
    log,
    presence: weaken?.(presence) ?? presence,
    resumeTokens: createResumeTokens("0123456789abcdef"),
    draining: () => draining,
    overloaded: () => false,
  });
  await backplane.listen(gossipChannel, (payload) => presence.receive(JSON.parse(payload.toString("utf8"))));
  await backplane.listen(broadcastChannel, (payload) => {
    const { nodeId: from, way, body } = JSON.parse(payload.toString("utf8")) as Record<string, string>;
    if (from !== nodeId && !(way === "rest" && config.RELAY === "addressed")) receive(body ?? "");
  });
  await openInbox(backplane, nodeId, {
    onGossip: presence.receive,
    onRelay: (message) => config.RELAY === "addressed" && receive(message.toString("utf8", 1)),
  });
  const barrier = await createBarrier(backplane, nodeId, log);
  presence.introduce(await barrier.whoIsThere());
  await Promise.all([barrier.pass(), presence.synced()]);

  function close(member: ModelConnection): void {
    if (!member.open) return;
    member.open = false;
    connections.delete(member);
    for (const members of Object.values(rooms))
      for (const [roomId, peers] of members)
        for (const [peerId, one] of peers)
          if (one === member) {
            peers.delete(peerId);
            if (peers.size === 0) members.delete(roomId);
            if (peers.size === 0 && member.connection.kind === "ws") fanout.close(roomId);
          }
    if (alive) switchboard.lose(member.connection);
  }

  return {
    nodeId,
    alive: () => alive,
    up: backplane.up,
    cut: link.cut,
    move: link.move,
    connect(kind: Kind): ModelConnection {
      const members = rooms[kind];
      const connection: Connection = {
        kind,
        grant: null,
        traceId: undefined,
        peerId: null,
        rooms: new Set(),
        limits: {} as Connection["limits"],
        pace: { takeChange: () => true, takeDeliveries: () => true },
        send: (event, data) => void member.got.push([event, data as Record<string, unknown>]),
        enter(roomId, peerId) {
          const peers = members.get(roomId) ?? new Map<string, ModelConnection>();
          members.set(roomId, peers.set(peerId, member));
          if (kind === "ws") fanout.open(roomId);
        },
        exit(roomId) {
          const peers = members.get(roomId);
          peers?.delete(connection.peerId ?? "");
          if (peers?.size === 0) members.delete(roomId);
          if (peers?.size === 0 && kind === "ws") fanout.close(roomId);
        },
        disconnect: () => close(member),
        terminate() {
          member.leftAt = Math.min(member.leftAt, performance.now());
          close(member);
        },
      };
      const member: ModelConnection = { connection, open: true, leftAt: Number.POSITIVE_INFINITY, got: [] };
      connections.add(member);
      return member;
    },
    handle(member: ModelConnection, event: string, args: unknown[], reply: (ack: Ack) => void): void {
      if (alive && member.open)
        switchboard.handle(member.connection, event, args, (ack) => alive && reply(ack as never));
    },
    close,
    /** Moves all peers away like a drain: announces them, delivers until all others know, then closes. */
    async drain(): Promise<void> {
      draining = true;
      const moved = [...connections];
      for (const { connection } of moved) switchboard.announce(connection, "draining");
      await Promise.all([new Promise((resolve) => setTimeout(resolve, 250)), barrier.pass()]);
      for (const member of moved) close(member);
    },
    /** SIGKILL. */
    kill(): void {
      alive = false;
      for (const member of connections) {
        member.open = false;
        member.leftAt = Math.min(member.leftAt, performance.now());
      }
      link.destroy();
      presence.close();
    },
  };
}

export type ModelReplica = Awaited<ReturnType<typeof startModelReplica>>;
