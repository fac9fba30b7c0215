import { NoAnswer } from "./get-json.ts";

/** Between two looks at what never answered, ms. */
const absentMs = 1_000;

/** What a poll knows of its target. */
export interface Watched<T> {
  /** The last answer, kept while the target is silent; null before the first. */
  last: T | null;
  /** Epoch ms of the last answer. */
  at: number;
  /** Why the last look had none; null where it had one. */
  failing: NoAnswer["cause"] | null;
}

export interface Watch<T> {
  readonly seen: Readonly<Watched<T>>;
  close(): void;
}

/**
 * Looks at a target every `everyMs`, start to start, never twice at once, until it is closed.
 *
 * @param look one look; it rejects with NoAnswer where there is none
 * @param changed called after each look
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
    // Who never answered is not there, as replicas to come are not: no need to hurry.
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
