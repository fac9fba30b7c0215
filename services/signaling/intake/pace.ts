import type { Account } from "./ledger.ts";

/** Refusals that are answered between two pauses. */
const answersBetweenPauses = 100;
/** What a refusal costs of that, where it is answered and where nothing is to be said. */
const answered = 10;
const silent = 1;
/** A pause lasts this long at least, ms. */
const shortestPauseMs = 100;
/** What a message that waits costs beside its own bytes, about. */
const overheadBytes = 64;

/**
 * The pace at which one connection is read. A client that goes on after its events are refused is not disconnected: it
 * is read more slowly. After {@link answersBetweenPauses} refusals reading pauses until the bucket has refilled a
 * little; what was read already waits meanwhile.
 */
export function createPace<M extends { length: number }>(options: {
  /** Refill of the bucket: a pause is long enough for one token at least. */
  perSecond: number;
  handle: (message: M) => void;
  /** Stops reading from the transport, and goes on. */
  pause: () => void;
  resume: () => void;
  /** What waits is on the ledger. */
  account: Account;
}) {
  const pauseMs = Math.max(shortestPauseMs, 1_000 / options.perSecond);
  let allowance = answersBetweenPauses * answered;
  let held = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let waiting: M[] = [];
  let bytes = 0;
  const listeners: (() => void)[] = [];

  function hold(): void {
    held = true;
  }

  function release(): void {
    held = false;
    timer = undefined;
    let done = 0;
    while (!held && !closed && done < waiting.length) {
      const message = waiting[done] as M;
      done += 1;
      bytes -= message.length + overheadBytes;
      options.handle(message);
    }
    waiting = closed ? [] : waiting.slice(done);
    options.account.set(closed ? 0 : bytes);
    if (held) return;
    options.resume();
    for (const go of listeners.splice(0)) go();
  }

  return {
    /** Handles a message in its turn: now, or when those before it have been. */
    offer(message: M): void {
      if (closed) return;
      if (!held && waiting.length === 0) {
        options.handle(message);
        return;
      }
      waiting.push(message);
      bytes += message.length + overheadBytes;
      options.account.set(bytes);
    },
    /** A message was refused because there are too many; `cost` is what it took to read it, in tokens. */
    refused(said: "answered" | "silent", cost = 1): void {
      allowance -= cost * (said === "answered" ? answered : silent);
      if (allowance > 0 || timer !== undefined || closed) return;
      const pauses = 1 + Math.floor(-allowance / (answersBetweenPauses * answered));
      allowance = answersBetweenPauses * answered;
      hold();
      options.pause();
      timer = setTimeout(release, pauses * pauseMs);
    },
    /** What comes next waits for a tick: the consequences of the last message come first. */
    holdForTick(): void {
      if (held) return;
      hold();
      process.nextTick(release);
    },
    /** Resolves when messages are handled at once; undefined where they are already. */
    ready(): Promise<void> | undefined {
      if (closed || (!held && waiting.length === 0)) return undefined;
      return new Promise((resolve) => listeners.push(resolve));
    },
    /** The connection is gone: nothing waits any more. */
    close(): void {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      waiting = [];
      options.account.close();
      options.resume();
      for (const go of listeners.splice(0)) go();
    },
  };
}

export type Pace = ReturnType<typeof createPace>;
