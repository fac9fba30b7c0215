/** How a member is connected: which way a relay to it takes. */
export type Kind = "socketio" | "ws";

export interface Member {
  peerId: string;
  /** Replica that holds its socket, or held it last: the one that speaks for it. */
  node: string;
  kind: Kind;
  /** Epoch ms of the join: of two replicas that claim a peer, the later join is right. */
  since: number;
  away: boolean;
}

/**
 * Who is in which room, as far as this replica knows: its own members and, by gossip, all others'. Pure state; the
 * rules of who may change an entry are here, telling anybody is not.
 */
export function createDirectory() {
  const rooms = new Map<string, Map<string, Member>>();

  return {
    members: (roomId: string): Iterable<Member> => rooms.get(roomId)?.values() ?? [],
    member: (roomId: string, peerId: string): Member | undefined => rooms.get(roomId)?.get(peerId),
    size: (roomId: string): number => rooms.get(roomId)?.size ?? 0,
    roomIds: (): Iterable<string> => rooms.keys(),

    /** Enters a member, or takes it over from where it was; false when a later join is known. */
    enter(roomId: string, member: Member): boolean {
      let members = rooms.get(roomId);
      if (members === undefined) {
        members = new Map();
        rooms.set(roomId, members);
      }
      const known = members.get(member.peerId);
      if (known !== undefined && known.node !== member.node && known.since > member.since) return false;
      members.set(member.peerId, member);
      return true;
    },
    /** `node` says that its member's socket is gone; false when it does not speak for that member. */
    markAway(roomId: string, peerId: string, node: string): boolean {
      const known = rooms.get(roomId)?.get(peerId);
      if (known === undefined || known.node !== node || known.away) return false;
      known.away = true;
      return true;
    },
    /** `node` says that its member left; false when it does not speak for that member. */
    remove(roomId: string, peerId: string, node: string): boolean {
      const members = rooms.get(roomId);
      if (members?.get(peerId)?.node !== node) return false;
      members.delete(peerId);
      if (members.size === 0) rooms.delete(roomId);
      return true;
    },
    /** Every entry that `node` speaks for. */
    *ofNode(node: string): Generator<[roomId: string, member: Member]> {
      for (const [roomId, members] of rooms)
        for (const member of members.values()) if (member.node === node) yield [roomId, member];
    },
  };
}

export type Directory = ReturnType<typeof createDirectory>;
