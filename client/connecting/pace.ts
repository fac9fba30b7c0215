import { backoffMs } from "./backoff.ts";

/** A connection that lasts this long after its join counts as good, ms. */
const steadyMs = 5_000;
/** Longest pauses, ms: after connections that failed before their join, and after connections lost soon after it. */
const [capMs, fruitlessCapMs] = [3_000, 30_000];

/**
 * The pauses before reconnects. They grow with each failed connection, and with each join whose connection is lost
 * within five seconds. The same cause may end the next connection too, and each join is announced to the whole room.
 *
 * @param now a clock, ms
 */
export function createPace(random: () => number, now: () => number = () => performance.now()) {
  let attempt = 0;
  let fruitless = 0;
  let joinedAt: number | null = null;
  return {
    joined(): void {
      joinedAt = now();
    },
    /** The connection is lost. */
    lost(): void {
      if (joinedAt === null) return;
      fruitless = now() - joinedAt < steadyMs ? fruitless + 1 : 0;
      attempt = fruitless;
      joinedAt = null;
    },
    /** Consecutive joins whose connection was lost soon. */
    fruitless: () => fruitless,
    /** The next pause, ms. */
    next(): number {
      const cap = Math.min(fruitlessCapMs, Math.max(capMs, 250 * 2 ** fruitless));
      attempt += 1;
      return backoffMs(attempt - 1, random, { capMs: cap });
    },
  };
}
