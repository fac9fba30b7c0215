/** A member's gateway, which decides on the path of a relay. */
export type Kind = "socketio" | "ws";

export interface Member {
  peerId: string;
  /** The replica that holds its socket, or held it last. Only this replica may change the entry. */
  node: string;
  kind: Kind;
  /** Epoch ms of the join: of two replicas that claim a peer, the later join is right. */
  since: number;
  away: boolean;
}

/**
 * The members of each room that this replica knows: its own members and, by gossip, all others'. It is pure state with
 * the rules for changes of an entry. It informs no peer.
 */
export function createDirectory() {
  const rooms = new Map<string, Map<string, Member>>();

  return {
    members: (roomId: string): Iterable<Member> => rooms.get(roomId)?.values() ?? [],
    member: (roomId: string, peerId: string): Member | undefined => rooms.get(roomId)?.get(peerId),
    size: (roomId: string): number => rooms.get(roomId)?.size ?? 0,
    roomIds: (): Iterable<string> => rooms.keys(),

    /** Enters a member, or moves it from another replica. Returns false if a later join is known. */
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
    /** `node` reports that its member's socket is closed. Returns false if another replica holds the member. */
    markAway(roomId: string, peerId: string, node: string): boolean {
      const known = rooms.get(roomId)?.get(peerId);
      if (known === undefined || known.node !== node || known.away) return false;
      known.away = true;
      return true;
    },
    /** `node` reports that its member left. Returns false if another replica holds the member. */
    remove(roomId: string, peerId: string, node: string): boolean {
      const members = rooms.get(roomId);
      if (members?.get(peerId)?.node !== node) return false;
      members.delete(peerId);
      if (members.size === 0) rooms.delete(roomId);
      return true;
    },
    /** Every entry of a member of `node`. */
    *ofNode(node: string): Generator<[roomId: string, member: Member]> {
      for (const [roomId, members] of rooms)
        for (const member of members.values()) if (member.node === node) yield [roomId, member];
    },
  };
}

export type Directory = ReturnType<typeof createDirectory>;
