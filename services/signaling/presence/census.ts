import type { Log } from "../../../common/log.ts";
import type { Backplane } from "../backplane/backplane.ts";

/** A replica without a heartbeat for this time is lost, ms. */
export const lostAfterMs = 2_500;
/** After the backplane returns, replicas wait this long before they exchange members and judge each other, ms. */
export const settleMs = 3_000;
/** Others are judged only if the own canary came back within this time, ms. One is sent every second. */
const ownWithinMs = 1_500;
/** Interval of the check for silent replicas, ms. A much longer pause is a stall of this process. */
const judgeEveryMs = 250;
/**
 * After its own stall this replica does not judge others by earlier heartbeats for this time, ms. They may have called
 * it lost.
 */
const stallMs = 4 * judgeEveryMs;

/**
 * Which other replicas are alive. A silent one is lost. But this replica judges no other while its own canary is
 * overdue, nor right after its own stall.
 */
export function createCensus(options: {
  nodeId: string;
  backplane: Backplane;
  /** A replica that is new, or back after it was lost. */
  onMet: (node: string) => void;
  onLost: (node: string) => void;
  /** This process was stalled or frozen, and others may have called it lost. */
  onStalled: () => void;
  /** The backplane is back for a while: members are exchanged. */
  onSettled: () => void;
  log: Log;
}) {
  const { nodeId, backplane, log } = options;
  const heardAt = new Map<string, number>();
  const lost = new Set<string>();
  /** Replicas whose heartbeat was heard. */
  const introduced = new Set<string>();
  let settledAt = performance.now();
  let settling: NodeJS.Timeout | undefined;
  let judgedAt = performance.now();

  /** When the own canary came back last. */
  let ownAt = performance.now();

  backplane.onHeartbeat((node) => {
    if (node === nodeId) {
      ownAt = performance.now();
      return;
    }
    const known = introduced.has(node) && !lost.has(node);
    introduced.add(node);
    heardAt.set(node, performance.now());
    lost.delete(node);
    if (!known && backplane.up()) options.onMet(node);
  });

  backplane.onChange((up) => {
    clearTimeout(settling);
    settledAt = Number.POSITIVE_INFINITY;
    if (!up) return;
    settling = setTimeout(() => {
      settledAt = performance.now();
      for (const node of heardAt.keys()) if (!lost.has(node)) forgive(node, settledAt);
      options.onSettled();
    }, settleMs);
  });

  function forgive(node: string, now: number): void {
    heardAt.set(node, Math.max(heardAt.get(node) ?? 0, now - 1_000));
  }

  function noticeStall(): void {
    const now = performance.now();
    const pausedMs = now - judgedAt;
    judgedAt = now;
    if (pausedMs <= stallMs) return;
    for (const node of heardAt.keys()) forgive(node, now);
    options.onStalled();
  }

  const judging = setInterval(() => {
    noticeStall();
    // After a stall this may run before the backplane is seen to be down.
    if (!backplane.up() || judgedAt < settledAt || judgedAt - ownAt > ownWithinMs) return;
    for (const [node, at] of heardAt) {
      if (lost.has(node) || judgedAt - at <= lostAfterMs) continue;
      lost.add(node);
      log.warn({ lost: node }, `${node} fell silent: its peers are away`);
      options.onLost(node);
    }
  }, judgeEveryMs);

  return {
    isLost: (node: string): boolean => lost.has(node),
    /** Other replicas that are not lost. */
    *live(): Generator<string> {
      for (const node of heardAt.keys()) if (!lost.has(node)) yield node;
    },
    /** Notes a replica that was mentioned, so that it counts as lost even if it dies before its first heartbeat. */
    mention(node: string): void {
      if (!heardAt.has(node)) heardAt.set(node, performance.now());
    },
    /** When members were exchanged after the last outage, by `performance.now()`; infinite until then. */
    settledAt: (): number => settledAt,
    /** Whether the event loop has stood still just now is seen here before the timers say so. */
    noticeStall(): void {
      if (performance.now() - judgedAt > stallMs) noticeStall();
    },
    close(): void {
      clearInterval(judging);
      clearTimeout(settling);
    },
  };
}
