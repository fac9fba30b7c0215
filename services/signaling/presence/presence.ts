import type { Log } from "../../../common/log.ts";
import type { PeerAway, PeerLeft } from "../../../common/protocol.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Directory, Kind, Member } from "./directory.ts";
import { Gossip } from "./gossip.ts";
import { createSnapshots, elsewhereMs, keyOf } from "./presence-snapshots.ts";

/** A replica is taken for lost when its canary was not heard for this long, ms. */
const lostAfterMs = 2_500;
/** After the backplane returns, replicas wait this long before they exchange members and judge each other, ms. */
const settleMs = 3_000;
/** The check of silence runs this often, ms; a much longer pause is a stall of our own. */
const judgeEveryMs = 250;

/** What presence needs from the gateways: to tell the peers of this replica, and to end a superseded socket. */
export interface LocalPeers {
  tell(roomId: string, event: "peer-joined" | "peer-away" | "peer-left", data: unknown, except?: string): void;
  /** The peer is connected to another replica now: its socket here is out of date. */
  supersede(peerId: string): void;
}

/**
 * Presence: joined → away → joined (resumed) or left. Each replica speaks for its own members and gossips what
 * happens to them; each tells only its own sockets. A member that is away leaves when its grace is over. A replica
 * that falls silent has its members marked away by everybody else, but nobody judges while the own canary is not
 * back: without the backplane presence is frozen, and when it returns the replicas exchange their members.
 */
export function createPresence(options: {
  nodeId: string;
  graceMs: number;
  directory: Directory;
  backplane: Backplane;
  /** Hands gossip to all other replicas. */
  emit: (gossip: Gossip) => void;
  local: LocalPeers;
  log: Log;
}) {
  const { nodeId, graceMs, directory, backplane, emit, local, log } = options;
  const graces = new Map<string, NodeJS.Timeout>();
  const heardAt = new Map<string, number>();
  const lost = new Set<string>();
  /** Replicas that were sent a snapshot when they were first heard. */
  const introduced = new Set<string>();
  let settled = performance.now();
  let settling: NodeJS.Timeout | undefined;

  function stopGrace(roomId: string, peerId: string): void {
    clearTimeout(graces.get(keyOf(roomId, peerId)));
    graces.delete(keyOf(roomId, peerId));
  }

  /** The member leaves when the grace is over, unless it came back or somebody else speaks for it. */
  function startGrace(
    roomId: string,
    peerId: string,
    node: string,
    reason: PeerLeft["reason"],
    afterMs = graceMs,
  ): void {
    stopGrace(roomId, peerId);
    const timer = setTimeout(() => {
      graces.delete(keyOf(roomId, peerId));
      if (directory.member(roomId, peerId)?.away !== true) return;
      // It may live on a replica that we cannot hear.
      if (isFrozen()) startGrace(roomId, peerId, node, reason, settleMs);
      else leave(roomId, peerId, node, reason);
    }, afterMs);
    graces.set(keyOf(roomId, peerId), timer);
  }

  /** Without the backplane, and until the replicas have exchanged their members after it came back. */
  function isFrozen(): boolean {
    return !backplane.up() || performance.now() < settled + elsewhereMs;
  }

  function joined(roomId: string, member: Member): boolean {
    const known = directory.member(roomId, member.peerId);
    if (!directory.enter(roomId, member)) return false;
    stopGrace(roomId, member.peerId);
    if (known?.node === nodeId && member.node !== nodeId) local.supersede(member.peerId);
    if (member.away) {
      if (known?.away !== true) away(roomId, member.peerId, member.node, "disconnected");
    } else if (known === undefined || known.away || known.since !== member.since) {
      const resumed = known === undefined ? {} : { resumed: true };
      local.tell(
        roomId,
        "peer-joined",
        { roomId, peerId: member.peerId, node: member.node, ...resumed },
        member.peerId,
      );
    }
    return true;
  }

  function away(roomId: string, peerId: string, node: string, reason: PeerAway["reason"]): boolean {
    if (!directory.markAway(roomId, peerId, node)) return false;
    local.tell(roomId, "peer-away", { roomId, peerId, reason });
    // Its own replica ends the grace for everybody; a lost one cannot, so each replica does for itself.
    if (node === nodeId) startGrace(roomId, peerId, node, "timeout");
    else if (reason === "replica-lost") startGrace(roomId, peerId, node, "replica-lost");
    else startOrphanGrace(roomId, peerId, node);
    return true;
  }

  /** In case the replica that speaks for an away member is lost before it says how it ended. */
  function startOrphanGrace(roomId: string, peerId: string, node: string): void {
    stopGrace(roomId, peerId);
    const check = () => {
      if (lost.has(node) && !isFrozen()) leave(roomId, peerId, node, "replica-lost");
      else if (directory.member(roomId, peerId)?.away === true)
        graces.set(keyOf(roomId, peerId), setTimeout(check, graceMs));
    };
    graces.set(keyOf(roomId, peerId), setTimeout(check, graceMs + lostAfterMs));
  }

  function leave(roomId: string, peerId: string, node: string, reason: PeerLeft["reason"]): boolean {
    if (!directory.remove(roomId, peerId, node)) return false;
    stopGrace(roomId, peerId);
    local.tell(roomId, "peer-left", { roomId, peerId, reason });
    if (node === nodeId && reason !== "replica-lost") emit({ type: "left", node, roomId, peerId, reason });
    return true;
  }

  const snapshots = createSnapshots({ nodeId, directory, emit, joined, away, leave, startGrace });

  backplane.onHeartbeat((node) => {
    if (node === nodeId) return;
    const known = introduced.has(node) && !lost.has(node);
    introduced.add(node);
    heardAt.set(node, performance.now());
    lost.delete(node);
    // A replica that is new, or back: it does not know our members.
    if (!known && backplane.up()) snapshots.send();
  });

  backplane.onChange((up) => {
    clearTimeout(settling);
    settled = Number.POSITIVE_INFINITY;
    if (!up) return;
    settling = setTimeout(() => {
      settled = performance.now();
      for (const node of heardAt.keys())
        if (!lost.has(node)) heardAt.set(node, Math.max(heardAt.get(node) ?? 0, settled - 1_000));
      snapshots.send();
    }, settleMs);
  });

  let judgedAt = performance.now();
  const judging = setInterval(() => {
    const now = performance.now();
    const pausedMs = now - judgedAt;
    judgedAt = now;
    // We were stalled or frozen ourselves: nobody could be heard.
    if (pausedMs > 4 * judgeEveryMs) for (const [node, at] of heardAt) heardAt.set(node, Math.max(at, now - 1_000));
    if (!backplane.up() || now < settled) return;
    for (const [node, at] of heardAt) {
      if (lost.has(node) || now - at <= lostAfterMs) continue;
      lost.add(node);
      log.warn({ lost: node }, `${node} fell silent: its peers are away`);
      for (const [roomId, { peerId, away: isAway }] of [...directory.ofNode(node)])
        if (!isAway) away(roomId, peerId, node, "replica-lost");
    }
  }, judgeEveryMs);

  return {
    /**
     * Tells the others who is here, and so is told who is there. A process that was started anew under a name that
     * nobody has missed yet would otherwise not be told.
     */
    introduce: (): void => snapshots.send(),
    /** A peer of this replica joined; false never happens for a fresh `since`. */
    enter(roomId: string, peerId: string, kind: Kind): void {
      const known = directory.member(roomId, peerId);
      const resumed = known !== undefined;
      // Later than the join before, whatever the clock of that replica said.
      const since = Math.max(Date.now(), (known?.since ?? 0) + 1);
      const member = { peerId, node: nodeId, kind, since, away: false };
      joined(roomId, member);
      emit({ type: "joined", life: snapshots.life, roomId, ...member, resumed });
    },
    /** A socket of this replica ended without `leave`, or is about to be closed by a drain. */
    lose(roomId: string, peerId: string, reason: "disconnected" | "draining"): void {
      if (directory.member(roomId, peerId)?.node !== nodeId) return;
      if (away(roomId, peerId, nodeId, reason)) emit({ type: "away", node: nodeId, roomId, peerId, reason });
    },
    leave: (roomId: string, peerId: string, reason: "left" | "expired") => leave(roomId, peerId, nodeId, reason),
    /** Gossip of another replica. @throws ZodError when it is malformed */
    receive(message: unknown): void {
      const gossip = Gossip.parse(message);
      if (gossip.node === nodeId) return;
      // Heard of: one that dies before its first canary is missed all the same.
      if (!heardAt.has(gossip.node)) heardAt.set(gossip.node, performance.now());
      if (gossip.type === "joined") {
        const { roomId, peerId, node, kind, since } = gossip;
        snapshots.meet(node, gossip.life);
        joined(roomId, { peerId, node, kind, since, away: false });
      } else if (gossip.type === "away") away(gossip.roomId, gossip.peerId, gossip.node, gossip.reason);
      else if (gossip.type === "left") leave(gossip.roomId, gossip.peerId, gossip.node, gossip.reason);
      else snapshots.take(gossip);
    },
    close(): void {
      clearInterval(judging);
      clearTimeout(settling);
      for (const timer of graces.values()) clearTimeout(timer);
      snapshots.close();
    },
  };
}

export type Presence = ReturnType<typeof createPresence>;
