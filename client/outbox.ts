import type { RelayAck, RelayEvent, Signal } from "../common/protocol.ts";

/** Signals that wait; one more is refused. */
const limit = 1_000;

export interface Outgoing {
  event: RelayEvent;
  signal: Signal;
  /** Its place among all that this client ever sent. */
  order: number;
  /** How often it was put on the wire so far. */
  attempts: number;
  settle(ack: RelayAck): void;
}

/**
 * What was sent and not yet acknowledged, in order, and what waits for an addressee that is away. Socket.IO's own
 * buffer is no help: it is flushed before `connect` fires, so before the room is joined again.
 */
export function createOutbox() {
  const pending = new Set<Outgoing>();
  const awaiting = new Map<string, Outgoing[]>();
  return {
    /** False when it is full. */
    add(outgoing: Outgoing): boolean {
      if (pending.size >= limit) return false;
      pending.add(outgoing);
      return true;
    },
    /** All that must be sent (again) after a join, oldest first. */
    pending: (): Outgoing[] => [...pending].sort((one, other) => one.order - other.order),
    /** Neither acknowledged nor refused yet. */
    holds: (outgoing: Outgoing): boolean => pending.has(outgoing),
    /** Acknowledged or refused for good. */
    done: (outgoing: Outgoing): boolean => pending.delete(outgoing),
    /** Acknowledged, but that peer was away: it gets the signal when it is back. */
    awaitPeer(peerId: string, outgoing: Outgoing): void {
      const waiting = awaiting.get(peerId) ?? [];
      waiting.push({ ...outgoing, signal: { ...outgoing.signal, to: peerId } });
      awaiting.set(peerId, waiting.slice(-limit));
    },
    /** The peer is back: what waited for it is pending again, and returned, oldest first. */
    moveToPending(peerId: string): Outgoing[] {
      const waiting = (awaiting.get(peerId) ?? []).sort((one, other) => one.order - other.order);
      awaiting.delete(peerId);
      for (const outgoing of waiting) pending.add(outgoing);
      return waiting;
    },
    /** The peer left for good: nothing waits for it. */
    forget: (peerId: string) => void awaiting.delete(peerId),
  };
}
