import type { Replica, ReplicaTable } from "../routing/replica-table.ts";
import { probe } from "./probe.ts";

/** Least time between the starts of two probes of one replica, ms: failing requests may ask for many. */
const minGapMs = 100;

/** Probes every replica of `table`, start to start every `intervalMs`, and at once when asked. */
export function createProber(
  table: ReplicaTable,
  { intervalMs, timeoutMs }: { intervalMs: number; timeoutMs: number },
) {
  const loops = new Map<Replica, { timer: NodeJS.Timeout | undefined; startedAt: number; running: boolean }>();
  let closed = false;

  async function run(replica: Replica): Promise<void> {
    const loop = loops.get(replica);
    if (loop === undefined || loop.running) return;
    clearTimeout(loop.timer);
    loop.running = true;
    loop.startedAt = performance.now();
    const seen = await probe(replica.spec.readyUrl, timeoutMs, replica.spec);
    loop.running = false;
    if (closed || !table.has(replica)) {
      loops.delete(replica);
      return;
    }
    table.observed(replica, seen);
    if (!table.has(replica)) loops.delete(replica);
    schedule(replica, intervalMs);
  }

  /** Next probe `gapMs` after the start of the last one. */
  function schedule(replica: Replica, gapMs: number): void {
    const loop = loops.get(replica);
    if (loop === undefined || loop.running) return;
    clearTimeout(loop.timer);
    loop.timer = setTimeout(() => void run(replica), Math.max(0, loop.startedAt + gapMs - performance.now()));
  }

  function watch(replica: Replica): Promise<void> {
    loops.set(replica, { timer: undefined, startedAt: 0, running: false });
    return run(replica);
  }

  return {
    /** Starts probing a replica; resolves when the first probe is in. */
    watch,
    /** Asks soon whether this replica is still there: a connect to it was refused or reset. */
    suspect: (replica: Replica) => schedule(replica, minGapMs),
    close(): void {
      closed = true;
      for (const { timer } of loops.values()) clearTimeout(timer);
    },
  };
}

export type Prober = ReturnType<typeof createProber>;
