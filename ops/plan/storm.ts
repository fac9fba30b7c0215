import { createRandom } from "../../common/random/seeded.ts";

/** A reconnect storm: peers lose their sockets at once and come back through the proxies. */
export interface Storm {
  peers: number;
  /** Replicas that take them. */
  replicas: number;
  /** Sessions per second that each of them is sent (ADMIT_PER_SECOND), and the longest wait, ms (ADMIT_QUEUE_MS). */
  admitPerSecond: number;
  queueMs: number;
  /** From an admitted attempt to the join ack, ms. */
  connectMs: number;
  /** Backoff of the clients: full jitter below `baseMs` × 2^attempt, at most `capMs`. */
  backoff: { baseMs: number; capMs: number };
  seed: number;
}

export interface StormResult {
  /** Outage of a peer, ms. */
  p50: number;
  p95: number;
  max: number;
  /** Attempts that were refused, of all peers. */
  refused: number;
}

/** Part of a second's sessions that an idle replica is sent at once (proxy/routing/admission.ts). */
const burstShare = 0.25;

/**
 * Plays the storm as a sequence of events, the earliest first: an attempt is admitted at once, waits in its replica's
 * queue, or is refused and tried again after a longer random pause. The same seed gives the same result.
 */
export function playStorm(storm: Storm): StormResult {
  const random = createRandom(storm.seed);
  const gapMs = 1_000 / storm.admitPerSecond;
  const tolerance = (Math.max(1, storm.admitPerSecond * burstShare) - 1) * gapMs;
  const dueMs = new Map<number, number>();
  const pause = (attempt: number) => random() * Math.min(storm.backoff.capMs, storm.backoff.baseMs * 2 ** attempt);
  const events = new EventQueue();
  // A peer keeps its route key, and so its replica.
  for (let peer = 0; peer < storm.peers; peer += 1)
    events.add({ atMs: pause(0), attempt: 0, replica: Math.floor(random() * storm.replicas) });
  const outages: number[] = [];
  let refused = 0;
  for (let event = events.next(); event !== undefined; event = events.next()) {
    const { atMs, attempt, replica } = event;
    const due = Math.max(dueMs.get(replica) ?? 0, atMs);
    const waitMs = Math.max(0, due - tolerance - atMs);
    if (waitMs > storm.queueMs) {
      refused += 1;
      events.add({ atMs: atMs + pause(attempt + 1), attempt: attempt + 1, replica });
      continue;
    }
    dueMs.set(replica, due + gapMs);
    outages.push(atMs + waitMs + storm.connectMs);
  }
  outages.sort((one, other) => one - other);
  const at = (share: number) => outages[Math.min(outages.length - 1, Math.ceil(outages.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: at(1), refused };
}

interface Attempt {
  atMs: number;
  attempt: number;
  replica: number;
}

/** A binary heap: the earliest attempt first. */
class EventQueue {
  readonly #heap: Attempt[] = [];

  add(attempt: Attempt): void {
    const heap = this.#heap;
    let at = heap.push(attempt) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Attempt;
      if (above.atMs <= attempt.atMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = attempt;
  }

  next(): Attempt | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Attempt).atMs < (heap[child] as Attempt).atMs) child += 1;
      if ((heap[child] as Attempt).atMs >= last.atMs) break;
      heap[at] = heap[child] as Attempt;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
