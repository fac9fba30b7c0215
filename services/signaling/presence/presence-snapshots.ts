import { randomBytes } from "node:crypto";
import type { PeerAway, PeerLeft } from "../../../common/protocol.ts";
import type { Directory, Member } from "./directory.ts";
import type { Abilities, Gossip } from "./gossip.ts";

/** A member that its replica no longer lists is kept for this time, ms, since it may be moving to another one. */
export const elsewhereMs = 500;
/** Members in one message of a snapshot. */
const snapshotChunk = 500;

/** A member of a room, as a key. */
export const keyOf = (roomId: string, peerId: string): string => JSON.stringify([roomId, peerId]);

/** A member in a snapshot of its replica. */
export const entryOf = (roomId: string, { peerId, kind, since, away }: Member) => ({
  roomId,
  peerId,
  kind,
  since,
  away,
});

/**
 * Snapshots: each replica sends all its members to the others when it meets a new replica and when the backplane is
 * back, so that missed gossip is made up for. A process that was started anew under an old name is a new one.
 */
export function createSnapshots(options: {
  nodeId: string;
  abilities: Abilities;
  directory: Directory;
  /** Hands gossip to all other replicas, or to the one that is named. */
  emit: (gossip: Gossip, to?: string) => void;
  joined: (roomId: string, member: Member) => boolean;
  away: (roomId: string, peerId: string, node: string, reason: PeerAway["reason"]) => boolean;
  leave: (roomId: string, peerId: string, node: string, reason: PeerLeft["reason"]) => boolean;
  startGrace: (roomId: string, peerId: string, node: string, reason: PeerLeft["reason"]) => void;
  /** Another process than before, or the first that is heard of: it does not know our members. */
  onMet: (node: string) => void;
}) {
  const { nodeId, abilities, directory, emit, joined, away, leave, startGrace } = options;
  let snapshotId = 0;
  const incarnation = randomBytes(9).toString("base64url");
  const incarnations = new Map<string, string>();
  /** When a replica's present process was first heard of, epoch ms; members from before are on their grace. */
  const bornAt = new Map<string, number>();
  const departures = new Set<NodeJS.Timeout>();
  /** The received parts of snapshots, by replica and then by number. */
  const incoming = new Map<string, Map<number, Set<string>>>();

  /** To all, with an ask or without; or to the one whose ask it answers. */
  function send({ ask, answer }: { ask?: number; answer?: { to: string; ask: number } } = {}): void {
    const members = [...directory.ofNode(nodeId)].map(([roomId, member]) => entryOf(roomId, member));
    const at = Date.now();
    snapshotId += 1;
    for (let from = 0; from === 0 || from < members.length; from += snapshotChunk) {
      const last = from + snapshotChunk >= members.length;
      const gossip: Gossip = {
        type: "snapshot",
        node: nodeId,
        incarnation,
        id: snapshotId,
        at,
        members: members.slice(from, from + snapshotChunk),
        last,
        abilities,
        ...(last && ask !== undefined ? { ask } : {}),
        ...(last && answer !== undefined ? { answers: answer.ask } : {}),
      };
      emit(gossip, answer?.to);
    }
  }

  /** Another process has that name now: the members of the one before have lost their sockets. */
  function meet(node: string, theirs: string, isAnswer = false): void {
    const before = incarnations.get(node);
    if (before === theirs) return;
    incarnations.set(node, theirs);
    incoming.delete(node);
    if (!isAnswer) options.onMet(node);
    if (before === undefined) return;
    for (const [roomId, { peerId }] of [...directory.ofNode(node)])
      if (!away(roomId, peerId, node, "replica-lost")) startGrace(roomId, peerId, node, "replica-lost");
    bornAt.set(node, Date.now());
  }

  function take({
    node,
    incarnation: theirs,
    id,
    at,
    members,
    last,
    answers,
  }: Extract<Gossip, { type: "snapshot" }>): void {
    meet(node, theirs, answers !== undefined);
    const ofNode = incoming.get(node) ?? new Map<number, Set<string>>();
    incoming.set(node, ofNode);
    const seen = ofNode.get(id) ?? new Set();
    ofNode.set(id, seen);
    for (const { roomId, ...member } of members) {
      seen.add(keyOf(roomId, member.peerId));
      joined(roomId, { ...member, node });
    }
    if (!last) return;
    for (const number of ofNode.keys()) if (number <= id) ofNode.delete(number);
    // A later join may have overtaken it, also one of the same millisecond: on several shards channels have no common
    // order.
    const gone = [...directory.ofNode(node)].filter(([roomId, { peerId, since }]) => {
      return since >= (bornAt.get(node) ?? 0) && since < at && !seen.has(keyOf(roomId, peerId));
    });
    if (gone.length === 0) return;
    const timer = setTimeout(() => {
      departures.delete(timer);
      for (const [roomId, { peerId, since }] of gone)
        if (directory.member(roomId, peerId)?.since === since) leave(roomId, peerId, node, "left");
    }, elsewhereMs);
    departures.add(timer);
  }

  return {
    /** Names this incarnation of the process. */
    incarnation,
    send,
    meet,
    take,
    close(): void {
      for (const timer of departures) clearTimeout(timer);
    },
  };
}
