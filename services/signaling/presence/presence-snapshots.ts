import { randomBytes } from "node:crypto";
import type { PeerAway, PeerLeft } from "../../../common/protocol.ts";
import type { Directory, Member } from "./directory.ts";
import type { Gossip } from "./gossip.ts";

/** A member that its replica does not list any more may be on its way from another: so long, ms, it is kept. */
export const elsewhereMs = 500;
/** Members in one message of a snapshot. */
const snapshotChunk = 500;

/** A member of a room, as a key. */
export const keyOf = (roomId: string, peerId: string): string => JSON.stringify([roomId, peerId]);

/**
 * Snapshots: each replica tells the others all its members when it meets a new one and when the backplane is back, so
 * that what was missed is made up for. A process that was started anew under an old name is a new one.
 */
export function createSnapshots(options: {
  nodeId: string;
  directory: Directory;
  emit: (gossip: Gossip) => void;
  joined: (roomId: string, member: Member) => boolean;
  away: (roomId: string, peerId: string, node: string, reason: PeerAway["reason"]) => boolean;
  leave: (roomId: string, peerId: string, node: string, reason: PeerLeft["reason"]) => boolean;
  startGrace: (roomId: string, peerId: string, node: string, reason: PeerLeft["reason"]) => void;
}) {
  const { nodeId, directory, emit, joined, away, leave, startGrace } = options;
  let snapshotId = 0;
  const life = randomBytes(9).toString("base64url");
  const lives = new Map<string, string>();
  /** When a replica's present process was first heard of, epoch ms; members from before are on their grace. */
  const bornAt = new Map<string, number>();
  const departures = new Set<NodeJS.Timeout>();
  const incoming = new Map<string, { id: number; keys: Set<string> }>();

  function send(): void {
    const members = [...directory.ofNode(nodeId)].map(([roomId, { peerId, kind, since, away: isAway }]) => {
      return { roomId, peerId, kind, since, away: isAway };
    });
    snapshotId += 1;
    for (let at = 0; at === 0 || at < members.length; at += snapshotChunk)
      emit({
        type: "snapshot",
        node: nodeId,
        life,
        id: snapshotId,
        members: members.slice(at, at + snapshotChunk),
        last: at + snapshotChunk >= members.length,
      });
  }

  /** Another process has that name now: the members of the one before have lost their sockets. */
  function meet(node: string, itsLife: string): void {
    const before = lives.get(node);
    if (before === itsLife) return;
    lives.set(node, itsLife);
    incoming.delete(node);
    // It does not know our members.
    send();
    if (before === undefined) return;
    for (const [roomId, { peerId }] of [...directory.ofNode(node)])
      if (!away(roomId, peerId, node, "replica-lost")) startGrace(roomId, peerId, node, "replica-lost");
    bornAt.set(node, Date.now());
  }

  function take({ node, life: itsLife, id, members, last }: Extract<Gossip, { type: "snapshot" }>): void {
    meet(node, itsLife);
    let seen = incoming.get(node);
    if (seen?.id !== id) {
      seen = { id, keys: new Set() };
      incoming.set(node, seen);
    }
    for (const { roomId, ...member } of members) {
      seen.keys.add(keyOf(roomId, member.peerId));
      joined(roomId, { ...member, node });
    }
    if (!last) return;
    incoming.delete(node);
    const gone = [...directory.ofNode(node)].filter(([roomId, { peerId, since }]) => {
      return since >= (bornAt.get(node) ?? 0) && !seen.keys.has(keyOf(roomId, peerId));
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
    /** Names this life of the process. */
    life,
    send,
    meet,
    take,
    close(): void {
      for (const timer of departures) clearTimeout(timer);
    },
  };
}
