import type { CallsReport, CallsSecond } from "../../common/calls.ts";
import { percentiles } from "./percentiles.ts";

/** Width of a slot, ms. It is the precision of a report's window. */
const slotMs = 250;

export type Count =
  | "sent"
  | "acknowledged"
  | "received"
  | "duplicated"
  | "outOfOrder"
  | "lost"
  | "lostAfterRejoin"
  | "stale"
  | "mediaInterruptions"
  | "connectFailures";
export type Sample = "setupMs" | "localMs" | "remoteMs" | "reconnectMs" | "sessionAgeMs" | "mediaGapMs";

interface Slot {
  counts: Record<Count, number>;
  samples: Record<Sample, number[]>;
  refused: Record<string, number>;
  /** The state at the start of the slot. */
  peersByNode: Record<string, number>;
  reconnecting: number;
}

const emptySlot = (): Slot => ({
  counts: {
    sent: 0,
    acknowledged: 0,
    received: 0,
    duplicated: 0,
    outOfOrder: 0,
    lost: 0,
    lostAfterRejoin: 0,
    stale: 0,
    mediaInterruptions: 0,
    connectFailures: 0,
  },
  samples: { setupMs: [], localMs: [], remoteMs: [], reconnectMs: [], sessionAgeMs: [], mediaGapMs: [] },
  refused: {},
  peersByNode: {},
  reconnecting: 0,
});

export type Tallied = Pick<
  CallsReport,
  "signals" | "setupMs" | "latencyMs" | "reconnectMs" | "sessionAgeMs" | "connectFailures" | "timeline"
> & {
  media: { interruptions: number; longestGapMs: number };
};

/**
 * The counts of one run of calls, in slots of 250 ms, so that a report can cover any window. The time is passed in
 * (epoch ms); the tally reads no clock. Slots older than `keepMs` are removed with their counts.
 */
export function createTally({ keepMs = 3_600_000 }: { keepMs?: number } = {}) {
  const slots = new Map<number, Slot>();

  function slotOf(at: number): Slot {
    const key = Math.floor(at / slotMs);
    let slot = slots.get(key);
    if (slot === undefined) {
      slot = emptySlot();
      slots.set(key, slot);
      for (const old of slots.keys()) {
        if (old >= key - keepMs / slotMs) break;
        slots.delete(old);
      }
    }
    return slot;
  }

  return {
    /** One more `what` at `at`. */
    count(what: Count, at: number): void {
      slotOf(at).counts[what] += 1;
    },
    /** Adds a measured value in ms, known at `at`. */
    sample(what: Sample, at: number, ms: number): void {
      slotOf(at).samples[what].push(ms);
    },
    /** Counts a refused signal by the ack's code. */
    refuse(code: string, at: number): void {
      const { refused } = slotOf(at);
      refused[code] = (refused[code] ?? 0) + 1;
    },
    /** The current replicas of the peers. */
    census(at: number, peersByNode: Record<string, number>, reconnecting: number): void {
      Object.assign(slotOf(at), { peersByNode, reconnecting });
    },
    /** The counts from `since` up to and without `until`, to the slot. */
    report(since: number, until: number): Tallied {
      const within = [...slots.entries()]
        .filter(([key]) => (key + 1) * slotMs > since && key * slotMs < until)
        .sort(([a], [b]) => a - b);
      const total = merge(within.map(([, slot]) => slot));
      const { mediaInterruptions, connectFailures, ...signals } = total.counts;
      return {
        signals: { ...signals, refused: total.refused },
        setupMs: percentiles(total.samples.setupMs),
        latencyMs: { local: percentiles(total.samples.localMs), remote: percentiles(total.samples.remoteMs) },
        reconnectMs: percentiles(total.samples.reconnectMs),
        sessionAgeMs: percentiles(total.samples.sessionAgeMs),
        connectFailures,
        media: { interruptions: mediaInterruptions, longestGapMs: percentiles(total.samples.mediaGapMs).max },
        timeline: secondsOf(within),
      };
    },
  };
}

export type Tally = ReturnType<typeof createTally>;

function merge(slots: readonly Slot[]): Slot {
  const total = emptySlot();
  for (const slot of slots) {
    for (const what of Object.keys(slot.counts) as Count[]) total.counts[what] += slot.counts[what];
    for (const what of Object.keys(slot.samples) as Sample[])
      for (const sample of slot.samples[what]) total.samples[what].push(sample);
    for (const [code, count] of Object.entries(slot.refused)) total.refused[code] = (total.refused[code] ?? 0) + count;
    if (Object.keys(slot.peersByNode).length > 0) total.peersByNode = slot.peersByNode;
    total.reconnecting = Math.max(total.reconnecting, slot.reconnecting);
  }
  return total;
}

function secondsOf(within: readonly [number, Slot][]): CallsSecond[] {
  const bySecond = Map.groupBy(within, ([key]) => Math.floor((key * slotMs) / 1000) * 1000);
  return [...bySecond].map(([at, entries]) => {
    const second = merge(entries.map(([, slot]) => slot));
    return {
      at,
      peersByNode: second.peersByNode,
      reconnecting: second.reconnecting,
      sent: second.counts.sent,
      received: second.counts.received,
      lost: second.counts.lost,
      reconnectsMs: second.samples.reconnectMs,
      localMs: percentiles(second.samples.localMs),
      remoteMs: percentiles(second.samples.remoteMs),
    };
  });
}
