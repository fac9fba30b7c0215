import type { RelayAck, RelayEvent, Signal } from "../../common/protocol.ts";

/** Maximum number of waiting signals. A further one is refused. */
const limit = 1_000;

export interface Outgoing {
  event: RelayEvent;
  signal: Signal;
  /** Size of its largest transport message. */
  bytes: number;
  /** Its sequence number among all signals of this client. */
  order: number;
  /** Number of times that it was sent. */
  attempts: number;
  /** Number of connections lost while only this signal waited for its ack. */
  lossesAlone: number;
  settle(ack: RelayAck): void;
}

/**
 * Unacknowledged signals in order, and signals that wait for an addressee that is away. Socket.IO's own buffer cannot
 * be used: it is flushed before `connect` fires, so before the join.
 *
 * If connections are lost repeatedly while signals wait for their acks, one of the signals may be the cause. The outbox
 * then sends one signal at a time, until all waiting ones are acknowledged or refused.
 */
export function createOutbox() {
  /** Neither acknowledged nor refused. */
  const pending = new Set<Outgoing>();
  /** Pending, and to be sent. */
  const waiting = new Set<Outgoing>();
  /** Pending, and sent. */
  const inFlight = new Set<Outgoing>();
  const awaiting = new Map<string, Outgoing[]>();
  let careful = false;

  function put(outgoing: Outgoing): void {
    pending.add(outgoing);
    waiting.add(outgoing);
  }

  return {
    /** False if the outbox is full. */
    add(outgoing: Outgoing): boolean {
      if (pending.size >= limit) return false;
      put(outgoing);
      return true;
    },
    /** Neither acknowledged nor refused yet, oldest first. */
    pending: (): Outgoing[] => inOrder(pending),
    /** The signals to send now, oldest first. They count as sent until `again`, `done` or `lost`. */
    take(): Outgoing[] {
      if (waiting.size === 0 || (careful && inFlight.size > 0)) return [];
      const taken = careful ? inOrder(waiting).slice(0, 1) : inOrder(waiting);
      for (const outgoing of taken) {
        waiting.delete(outgoing);
        inFlight.add(outgoing);
      }
      return taken;
    },
    /** Its ack said "not now". It no longer counts as sent, and is sent again after `again`. */
    hold: (outgoing: Outgoing): void => void inFlight.delete(outgoing),
    /** Sends it again with the next `take`. */
    again(outgoing: Outgoing): void {
      if (pending.has(outgoing) && !inFlight.has(outgoing)) waiting.add(outgoing);
    },
    /** Acknowledged or refused for good. False if it was already. */
    done(outgoing: Outgoing): boolean {
      inFlight.delete(outgoing);
      waiting.delete(outgoing);
      const was = pending.delete(outgoing);
      if (pending.size === 0) careful = false;
      return was;
    },
    /**
     * The connection is lost. All pending signals are sent again with the next `take`.
     *
     * @param suspicious true if a sent signal may be the cause
     * @returns the signal that was sent alone, if any, with its count `lossesAlone`
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
    /** The peer is back. Its waiting signals are sent with the next `take`. */
    peerIsBack(peerId: string): void {
      for (const outgoing of awaiting.get(peerId) ?? []) put(outgoing);
      awaiting.delete(peerId);
    },
    /** The peer has left for good. Its waiting signals are dropped. */
    forget: (peerId: string) => void awaiting.delete(peerId),
  };
}

const inOrder = (outgoing: Iterable<Outgoing>): Outgoing[] =>
  [...outgoing].sort((one, other) => one.order - other.order);
