import { NoAnswer } from "./get-json.ts";

/** Interval of polls of a target that has never answered, ms. */
const absentMs = 1_000;

/** The state of a polled target. */
export interface Watched<T> {
  /** The last answer, kept while the target is silent; null before the first. */
  last: T | null;
  /** Epoch ms of the last answer. */
  at: number;
  /** Why the last poll had no answer; null if it had one. */
  failing: NoAnswer["cause"] | null;
}

export interface Watch<T> {
  readonly seen: Readonly<Watched<T>>;
  close(): void;
}

/**
 * Polls a target every `everyMs`, start to start, never twice at once, until it is closed.
 *
 * @param look one poll; it rejects with NoAnswer without an answer
 * @param changed called after each poll
 */
export function watch<T>(look: () => Promise<T>, everyMs: number, changed: () => void): Watch<T> {
  const seen: Watched<T> = { last: null, at: 0, failing: null };
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function run(): Promise<void> {
    const startedAt = performance.now();
    try {
      seen.last = await look();
      seen.at = Date.now();
      seen.failing = null;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      seen.failing = error.cause;
    }
    if (closed) return;
    changed();
    // A target that has never answered does not exist yet, like a replica added later. It is polled slowly.
    const nextMs = seen.last === null && seen.failing !== null ? absentMs : everyMs;
    timer = setTimeout(() => void run(), Math.max(0, startedAt + nextMs - performance.now()));
  }
  void run();
  return {
    seen,
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}
