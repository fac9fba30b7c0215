import type { Log } from "../../../common/log.ts";
import type { PeerAway, PeerLeft } from "../../../common/protocol.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { createCensus, lostAfterMs, settleMs } from "./census.ts";
import type { Directory, Kind, Member } from "./directory.ts";
import { type Abilities, Gossip } from "./gossip.ts";
import { createSnapshots, elsewhereMs, entryOf, keyOf } from "./presence-snapshots.ts";
import { createSettling } from "./settling.ts";

/** Functions of the gateways for presence: they inform the peers of this replica, and end a superseded socket. */
export interface LocalPeers {
  tell(roomId: string, event: "peer-joined" | "peer-away" | "peer-left", data: unknown, except?: string): void;
  /** The peer is connected to another replica now: its socket here is out of date. */
  supersede(peerId: string): void;
}

/**
 * Presence: joined → away → joined (resumed) or left. Each replica gossips the changes of its own members, and informs
 * only its own sockets. A member that is away leaves at the end of its grace. When a replica falls silent, all others
 * mark its members away, but a replica judges others only while its own canary comes back. So without the backplane
 * presence is frozen. When the backplane is back, the replicas exchange their members.
 */
export function createPresence(options: {
  nodeId: string;
  graceMs: number;
  directory: Directory;
  backplane: Backplane;
  /** The announced capabilities of this replica. */
  abilities: Abilities;
  /** Hands gossip to all other replicas, or to the one that is named. */
  emit: (gossip: Gossip, to?: string) => void;
  local: LocalPeers;
  log: Log;
}) {
  const { nodeId, graceMs, directory, backplane, abilities, emit, local, log } = options;
  const graces = new Map<string, NodeJS.Timeout>();
  /** The capabilities of each replica's current process. */
  const abilitiesOf = new Map<string, Abilities>();

  function stopGrace(roomId: string, peerId: string): void {
    clearTimeout(graces.get(keyOf(roomId, peerId)));
    graces.delete(keyOf(roomId, peerId));
  }

  /** The member leaves at the end of the grace, unless it came back or another replica holds it. */
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
      // It may be connected to a replica that cannot be heard.
      if (isFrozen()) startGrace(roomId, peerId, node, reason, settleMs);
      else leave(roomId, peerId, node, reason);
    }, afterMs);
    graces.set(keyOf(roomId, peerId), timer);
  }

  /** Without the backplane, and until the replicas have exchanged their members after it came back. */
  function isFrozen(): boolean {
    return !backplane.up() || performance.now() < census.settledAt() + elsewhereMs;
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
    // A member's own replica ends the grace for all. A lost replica cannot, so each other replica does it itself.
    if (node === nodeId) startGrace(roomId, peerId, node, "timeout");
    else if (reason === "replica-lost") startGrace(roomId, peerId, node, "replica-lost");
    else startOrphanGrace(roomId, peerId, node);
    return true;
  }

  /** In case the replica that speaks for an away member is lost before it says how it ended. */
  function startOrphanGrace(roomId: string, peerId: string, node: string): void {
    stopGrace(roomId, peerId);
    const check = () => {
      if (census.isLost(node) && !isFrozen()) leave(roomId, peerId, node, "replica-lost");
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

  const settling = createSettling({ up: backplane.up, askAll: (ask) => snapshots.send({ ask }) });
  const snapshots = createSnapshots({
    nodeId,
    abilities,
    directory,
    emit,
    joined,
    away,
    leave,
    startGrace,
    onMet(node) {
      abilitiesOf.delete(node);
      settling.resync([node]);
    },
  });
  const census = createCensus({
    nodeId,
    backplane,
    onMet: (node) => settling.resync([node]),
    onLost(node) {
      settling.gone(node);
      for (const [roomId, { peerId, away: isAway }] of [...directory.ofNode(node)])
        if (!isAway) away(roomId, peerId, node, "replica-lost");
    },
    onStalled: () => settling.resync(),
    onSettled() {
      settling.outageEnded();
      settling.resync();
    },
    log,
  });
  // Gossip may be missed until members are exchanged. Live replicas are asked at once, and again when all have settled.
  backplane.onChange(() => settling.resync());
  backplane.onMissed(() => settling.resync());

  function confirm(to: string, ask: number, roomId: string): void {
    const own = [...directory.members(roomId)].filter(({ node }) => node === nodeId);
    const members = own.map((member) => entryOf(roomId, member));
    emit({ type: "confirmed", node: nodeId, incarnation: snapshots.incarnation, ask, roomId, members }, to);
  }

  function take(gossip: Extract<Gossip, { type: "snapshot" }>): void {
    const { node, ask, answers } = gossip;
    snapshots.take(gossip);
    abilitiesOf.set(node, gossip.abilities);
    settling.know(node);
    if (answers !== undefined) settling.confirmed(node, answers);
    if (ask !== undefined) snapshots.send({ answer: { to: node, ask } });
  }

  return {
    /** Sends these replicas the local members, and asks for theirs. */
    introduce: (others: Iterable<string>): void => settling.resync(others),
    synced: settling.synced,
    /**
     * A peer of this replica joined.
     *
     * @param subscribing what must be made before others can reach it here
     * @param later told when the join is settled, where it was not within 300 ms
     * @returns whether every replica that is known to hold members of the room knows it
     */
    enter(
      roomId: string,
      peerId: string,
      kind: Kind,
      subscribing?: Promise<unknown>,
      later: () => void = () => undefined,
    ): true | Promise<boolean> {
      const known = directory.member(roomId, peerId);
      const resumed = known !== undefined;
      // Later than the join before, whatever the clock of that replica said.
      const since = Math.max(Date.now(), (known?.since ?? 0) + 1);
      const member = { peerId, node: nodeId, kind, since, away: false };
      joined(roomId, member);
      const holders = new Set<string>();
      for (const { node } of directory.members(roomId)) if (node !== nodeId) holders.add(node);
      const { ask, settled } = settling.entered(roomId, holders, subscribing, later);
      emit({ type: "joined", incarnation: snapshots.incarnation, roomId, ...member, resumed, ask });
      return settled;
    },
    /** A socket of this replica ended without `leave`, or is about to be closed by a drain. */
    lose(roomId: string, peerId: string, reason: "disconnected" | "draining"): void {
      if (directory.member(roomId, peerId)?.node !== nodeId) return;
      if (away(roomId, peerId, nodeId, reason)) emit({ type: "away", node: nodeId, roomId, peerId, reason });
    },
    leave: (roomId: string, peerId: string, reason: "left" | "expired") => leave(roomId, peerId, nodeId, reason),
    /** Replicas that may hold members of the room that are not known here, or may not know those here. */
    unsure(roomId: string): ReadonlySet<string> {
      census.noticeStall();
      return settling.unsure(roomId);
    },
    /** The capabilities of that replica; undefined until they are known. */
    abilitiesOf: (node: string): Abilities | undefined => abilitiesOf.get(node),
    /** Gossip of another replica. @throws ZodError when it is malformed */
    receive(message: unknown): void {
      const gossip = Gossip.parse(message);
      if (gossip.node === nodeId) return;
      census.mention(gossip.node);
      if (gossip.type === "joined") {
        const { roomId, peerId, node, kind, since, ask } = gossip;
        snapshots.meet(node, gossip.incarnation);
        joined(roomId, { peerId, node, kind, since, away: false });
        confirm(node, ask, roomId);
      } else if (gossip.type === "away") away(gossip.roomId, gossip.peerId, gossip.node, gossip.reason);
      else if (gossip.type === "left") leave(gossip.roomId, gossip.peerId, gossip.node, gossip.reason);
      else if (gossip.type === "snapshot") take(gossip);
      else {
        const { node, ask, roomId, members } = gossip;
        snapshots.meet(node, gossip.incarnation);
        for (const member of members) joined(roomId, { ...member, node });
        settling.confirmed(node, ask, roomId);
      }
    },
    close(): void {
      census.close();
      settling.close();
      for (const timer of graces.values()) clearTimeout(timer);
      snapshots.close();
    },
  };
}

export type Presence = ReturnType<typeof createPresence>;
