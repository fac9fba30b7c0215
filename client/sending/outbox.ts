import type { RelayAck, RelayEvent, Signal } from "../../common/protocol.ts";

/** Signals that wait; one more is refused. */
const limit = 1_000;

export interface Outgoing {
  event: RelayEvent;
  signal: Signal;
  /** Its largest transport message. */
  bytes: number;
  /** Its place among all that this client ever sent. */
  order: number;
  /** How often it was put on the wire so far. */
  attempts: number;
  /** Connections that were lost while it alone waited for its ack. */
  lossesAlone: number;
  settle(ack: RelayAck): void;
}

/**
 * Signals that were sent and not yet acknowledged, in order, and signals that wait for an addressee that is away.
 * Socket.IO's own buffer is no help: it is flushed before `connect` fires, so before the room is joined again.
 *
 * When connections are lost again and again while signals wait for their acks, one of them may be the cause. From then
 * on the outbox is careful: it lets out one at a time, until all that waited is acknowledged or refused.
 */
export function createOutbox() {
  /** Neither acknowledged nor refused. */
  const pending = new Set<Outgoing>();
  /** Pending, and to be put on the wire. */
  const waiting = new Set<Outgoing>();
  /** Pending, and on the wire. */
  const inFlight = new Set<Outgoing>();
  const awaiting = new Map<string, Outgoing[]>();
  let careful = false;

  function put(outgoing: Outgoing): void {
    pending.add(outgoing);
    waiting.add(outgoing);
  }

  return {
    /** False when it is full. */
    add(outgoing: Outgoing): boolean {
      if (pending.size >= limit) return false;
      put(outgoing);
      return true;
    },
    /** Neither acknowledged nor refused yet, oldest first. */
    pending: (): Outgoing[] => inOrder(pending),
    /** What goes on the wire now, oldest first. It counts as sent until `again`, `done` or `lost`. */
    take(): Outgoing[] {
      if (waiting.size === 0 || (careful && inFlight.size > 0)) return [];
      const taken = careful ? inOrder(waiting).slice(0, 1) : inOrder(waiting);
      for (const outgoing of taken) {
        waiting.delete(outgoing);
        inFlight.add(outgoing);
      }
      return taken;
    },
    /** Its ack said "not now": it is not on the wire, and goes out again after `again`. */
    hold: (outgoing: Outgoing): void => void inFlight.delete(outgoing),
    /** Goes out again with the next `take`. */
    again(outgoing: Outgoing): void {
      if (pending.has(outgoing) && !inFlight.has(outgoing)) waiting.add(outgoing);
    },
    /** Acknowledged or refused for good; false when it was so before. */
    done(outgoing: Outgoing): boolean {
      inFlight.delete(outgoing);
      waiting.delete(outgoing);
      const was = pending.delete(outgoing);
      if (pending.size === 0) careful = false;
      return was;
    },
    /**
     * The connection is gone: everything pending goes out again with the next `take`.
     *
     * @param suspicious one of those on the wire may be why
     * @returns the one that was on the wire alone, if any: its `lossesAlone` says how often so far
     */
    lost(suspicious: boolean): Outgoing | null {
      const [first, second] = inFlight;
      inFlight.clear();
      for (const outgoing of pending) waiting.add(outgoing);
      if (second !== undefined && suspicious) careful = true;
      if (first === undefined || second !== undefined) return null;
      first.lossesAlone += 1;
      return first;
    },
    /** Acknowledged, but that peer was away: it gets the signal when it is back. */
    awaitPeer(peerId: string, outgoing: Outgoing): void {
      const waitingForIt = awaiting.get(peerId) ?? [];
      waitingForIt.push({ ...outgoing, signal: { ...outgoing.signal, to: peerId } });
      awaiting.set(peerId, waitingForIt.slice(-limit));
    },
    /** The peer is back: its waiting signals go out with the next `take`. */
    peerIsBack(peerId: string): void {
      for (const outgoing of awaiting.get(peerId) ?? []) put(outgoing);
      awaiting.delete(peerId);
    },
    /** The peer left for good: nothing waits for it. */
    forget: (peerId: string) => void awaiting.delete(peerId),
  };
}

const inOrder = (outgoing: Iterable<Outgoing>): Outgoing[] =>
  [...outgoing].sort((one, other) => one.order - other.order);
