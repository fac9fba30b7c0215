import type { Metrics } from "./metrics.ts";
import type { Tally } from "./tally.ts";

/** An acknowledged signal that has not arrived after this time is lost, ms. */
const lostAfterMs = 5_000;
/** A signal that arrives later than this after its last send is stale, ms. */
const staleAfterMs = 1_000;

interface Entry {
  sentAt: number;
  lastSentAt: number;
  acknowledgedAt: number | null;
  receivedAt: number | null;
}

/**
 * The numbered signals of one direction of a call: sent, acknowledged, received, repeated, overtaken, lost. Times are
 * epoch ms and passed in.
 *
 * @param excused true if an outage of either peer overlaps a window; the outage excuses a loss in it
 */
export function createLedger(tally: Tally, metrics: Metrics, excused: (since: number, until: number) => boolean) {
  const entries = new Map<number, Entry>();
  let next = 0;
  let highest = -1;

  return {
    /** Takes the next number. */
    send(now: number): number {
      const seq = next++;
      entries.set(seq, { sentAt: now, lastSentAt: now, acknowledgedAt: null, receivedAt: null });
      tally.count("sent", now);
      metrics.sent.inc();
      return seq;
    },
    /** The client put `seq` on the wire (again). */
    emitted(seq: number, now: number): void {
      const entry = entries.get(seq);
      if (entry !== undefined) entry.lastSentAt = now;
    },
    /** The replica said `ok` and that the addressee was not away. */
    acknowledged(seq: number, now: number): void {
      const entry = entries.get(seq);
      if (entry === undefined || entry.acknowledgedAt !== null) return;
      entry.acknowledgedAt = now;
      tally.count("acknowledged", now);
    },
    /** The signal was refused for good and is not waited for. */
    refused(seq: number, code: string, now: number): void {
      entries.delete(seq);
      tally.refuse(code, now);
    },
    received(seq: number, scope: "local" | "remote", now: number): void {
      const entry = entries.get(seq);
      if (entry === undefined || entry.receivedAt !== null) {
        tally.count("duplicated", now);
        return;
      }
      entry.receivedAt = now;
      tally.count("received", now);
      metrics.received.inc();
      if (seq < highest) tally.count("outOfOrder", now);
      highest = Math.max(highest, seq);
      const latencyMs = now - entry.lastSentAt;
      tally.sample(scope === "local" ? "localMs" : "remoteMs", now, latencyMs);
      metrics.latencySeconds.observe({ scope }, latencyMs / 1000);
      if (latencyMs > staleAfterMs) tally.count("stale", now);
    },
    /** Finds the lost signals. A signal without an ack is not lost, because its sender knows. */
    sweep(now: number): void {
      for (const [seq, entry] of entries) {
        if (entry.receivedAt !== null) {
          if (now - entry.receivedAt > 2 * lostAfterMs) entries.delete(seq);
        } else if (entry.acknowledgedAt !== null && now - entry.acknowledgedAt > lostAfterMs) {
          entries.delete(seq);
          tally.count("lost", entry.sentAt);
          metrics.lost.inc();
          if (!excused(entry.sentAt, entry.sentAt + lostAfterMs)) tally.count("lostAfterRejoin", entry.sentAt);
        }
      }
    },
  };
}

export type Ledger = ReturnType<typeof createLedger>;
