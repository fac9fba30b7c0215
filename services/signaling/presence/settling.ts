import { setTimeout as delay } from "node:timers/promises";

/** Longest wait of a join's ack, ms. */
const waitMs = 300;
/** Longest wait of a starting replica for the members of others, ms. */
const syncWithinMs = 1_000;
/** Pauses before an unconfirmed ask is repeated, ms. The last one applies to all further repeats. */
const askAgainMs = [1_000, 2_000, 4_000];

/** Reasons of a join to wait besides replicas: its subscriptions at the backplane, and the end of an outage. */
const subscriptionsMade = Symbol("subscriptions made");
const outageOver = Symbol("outage over");

/** A join that is not settled. */
interface Joining {
  ask: number;
  missing: Set<string | symbol>;
  settle: () => void;
}

/** Joins of one room that some replica has not confirmed. */
interface Pending {
  ask: number;
  missing: Set<string>;
}

const nobody: ReadonlySet<string> = new Set();

/**
 * Tracks the replicas that may not know all members of this one, and the joins that wait for them.
 *
 * A join is announced with a number, its ask. Every live replica confirms it and names its own members of the room, so
 * that whatever order messages take, each of the two knows the other's members. The ack of the join waits for those
 * that hold members of the room: they must know the joiner before it is told. The others are not waited for, but until
 * they have confirmed, relays of that room go to them too: two peers that join at the same moment on two replicas know
 * nothing of each other yet.
 *
 * A replica that may have missed something is unsynced: it counts as a holder of every room until snapshots have been
 * exchanged.
 */
export function createSettling(options: { up: () => boolean; askAll: (ask: number) => void }) {
  /** Replicas that are alive. */
  const live = new Set<string>();
  /** By replica: the ask whose answer ends its being unsynced. */
  const unsynced = new Map<string, number>();
  const rooms = new Map<string, Pending>();
  const joins = new Map<string, Set<Joining>>();
  let asks = 0;
  let repeats = 0;
  let repeating: NodeJS.Timeout | undefined;

  function repeat(): void {
    if (repeating !== undefined) return;
    const afterMs = askAgainMs[Math.min(repeats, askAgainMs.length - 1)] ?? 0;
    repeating = setTimeout(() => {
      repeating = undefined;
      if (unsynced.size === 0 && rooms.size === 0) {
        repeats = 0;
        return;
      }
      repeats += 1;
      if (options.up()) options.askAll(++asks);
      repeat();
    }, afterMs);
  }

  /** `token` is no reason to wait any more for the joins that were announced by then. */
  function clear(token: string | symbol, ask: number, roomId?: string): void {
    const concerned = roomId === undefined ? [...joins.values()] : [joins.get(roomId) ?? []];
    for (const waiting of concerned)
      for (const join of waiting)
        if (join.ask <= ask && join.missing.delete(token) && join.missing.size === 0) join.settle();
    if (typeof token === "symbol") return;
    if (roomId !== undefined) confirmRoom(roomId, token, ask);
    else for (const room of rooms.keys()) confirmRoom(room, token, ask);
  }

  function confirmRoom(roomId: string, node: string, ask: number): void {
    const pending = rooms.get(roomId);
    if (pending === undefined || pending.ask > ask) return;
    pending.missing.delete(node);
    if (pending.missing.size === 0) rooms.delete(roomId);
  }

  return {
    /**
     * A peer of this replica joined.
     *
     * @param holders replicas that are known to hold members of the room
     * @param subscribing what must be made before others can reach it here; undefined when all is there
     * @param later told when it is settled, where it was not within 300 ms
     * @returns the ask to announce the join with, and whether it is settled
     */
    entered(
      roomId: string,
      holders: Iterable<string>,
      subscribing: Promise<unknown> | undefined,
      later: () => void,
    ): { ask: number; settled: true | Promise<boolean> } {
      asks += 1;
      if (live.size > 0) {
        rooms.set(roomId, { ask: asks, missing: new Set(live) });
        repeat();
      }
      const missing = new Set<string | symbol>(unsynced.keys());
      for (const node of holders) if (live.has(node)) missing.add(node);
      if (subscribing !== undefined) missing.add(subscriptionsMade);
      if (!options.up()) missing.add(outageOver);
      if (missing.size === 0) return { ask: asks, settled: true };
      const { promise, resolve } = Promise.withResolvers<boolean>();
      let isLate = false;
      const beLate = () => {
        isLate = true;
        resolve(false);
      };
      const patience = setTimeout(beLate, waitMs);
      const join: Joining = {
        ask: asks,
        missing,
        settle() {
          clearTimeout(patience);
          waiting.delete(join);
          if (waiting.size === 0) joins.delete(roomId);
          if (isLate) later();
          else resolve(true);
        },
      };
      const waiting = joins.get(roomId) ?? new Set<Joining>();
      joins.set(roomId, waiting.add(join));
      if (!options.up()) {
        clearTimeout(patience);
        beLate();
      }
      const made = () => {
        if (missing.delete(subscriptionsMade) && missing.size === 0) join.settle();
      };
      subscribing?.then(made, made);
      return { ask: asks, settled: promise };
    },
    /** A replica was heard, and its joins and ours are confirmed from now on. */
    know: (node: string): void => void live.add(node),
    /** A replica knows what was announced by then: the members of one room, or all. */
    confirmed(node: string, ask: number, roomId?: string): void {
      if (roomId === undefined && (unsynced.get(node) ?? Number.POSITIVE_INFINITY) <= ask) unsynced.delete(node);
      clear(node, ask, roomId);
    },
    /** These replicas may have missed something, or we something of theirs: snapshots are asked for. */
    resync(nodes: Iterable<string> = live): void {
      asks += 1;
      for (const node of [...nodes]) {
        live.add(node);
        unsynced.set(node, asks);
      }
      if (options.up()) options.askAll(asks);
      repeat();
    },
    /** The replica is lost, so no join waits for it. */
    gone(node: string): void {
      live.delete(node);
      unsynced.delete(node);
      clear(node, asks);
    },
    /** The backplane is back, and members have been exchanged. */
    outageEnded: (): void => clear(outageOver, asks),
    /** Replicas that may hold members of the room that we do not know, or may not know ours. */
    unsure(roomId: string): ReadonlySet<string> {
      const missing = rooms.get(roomId)?.missing;
      if (unsynced.size === 0) return missing ?? nobody;
      return new Set([...unsynced.keys(), ...(missing ?? [])]);
    },
    /** Resolves when all live replicas have exchanged members with this one, or after 1 s. */
    async synced(): Promise<void> {
      const until = performance.now() + syncWithinMs;
      while (unsynced.size > 0 && performance.now() < until) await delay(10);
    },
    close(): void {
      clearTimeout(repeating);
      joins.clear();
    },
  };
}
