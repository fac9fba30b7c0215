import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../../common/log.ts";

/** Time-out of an attempt to connect, with its handshake and its subscriptions, ms. */
const openWithinMs = 2_000;
/** Pauses between failed attempts grow from the first to the last, ms; half of each is jitter. */
const pausesMs = [50, 100, 250, 500];
/**
 * A connection lost sooner than this counts as a failed attempt, ms, so that a server that accepts and then refuses is
 * not flooded.
 */
const stableAfterMs = 2_000;
/** An outage is logged when it begins, and then at this interval, ms. */
const logEveryMs = 10_000;

/** Ends with its connection. The reason of `abort` is logged. */
export type ConnectionScope = AbortController;

/**
 * Keeps one connection to the backplane, and makes a new one when the last one has ended or was discarded.
 *
 * A client's own reconnect is not enough: a frozen server, or a network that swallows packets, leaves it "ready" for
 * minutes, and what it has queued is delivered late. So the part that finds a connection dead discards it completely,
 * with all pending messages (`renew`), and the next attempt starts afresh.
 */
export function createReconnector<C extends { destroy(): void }>(options: {
  /** Connects. It must destroy its connections when `scope` ends, and end `scope` when the connection is lost. */
  open: (scope: ConnectionScope) => Promise<C>;
  /** Prepares a new connection (subscriptions). It is part of the attempt. */
  onOpen: (connection: C) => Promise<void>;
  onLost: (reason: string) => void;
  log: Log;
}) {
  const { log } = options;
  let current: C | undefined;
  let scope: ConnectionScope = new AbortController();
  let closed = false;
  let failures = 0;
  /** When the last connection became usable; Infinity if it was never usable. */
  let openedAt = Number.POSITIVE_INFINITY;
  let loggedAt = Number.NEGATIVE_INFINITY;

  async function live(): Promise<never> {
    scope = new AbortController();
    const { signal } = scope;
    const over = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    const attempt = scope;
    const deadline = setTimeout(
      () => attempt.abort(new Error(`not connected within ${openWithinMs} ms`)),
      openWithinMs,
    );
    try {
      const opened = await Promise.race([options.open(scope), over]);
      current = opened;
      await Promise.race([options.onOpen(opened), over]);
    } finally {
      clearTimeout(deadline);
    }
    openedAt = performance.now();
    return over;
  }

  async function run(): Promise<void> {
    while (!closed) {
      try {
        await live();
      } catch (error) {
        scope.abort(error);
        current?.destroy();
        current = undefined;
        if (closed) return;
        if (performance.now() - openedAt > stableAfterMs) {
          failures = 0;
          loggedAt = Number.NEGATIVE_INFINITY;
        }
        openedAt = Number.POSITIVE_INFINITY;
        const reason = error instanceof Error ? error.message : String(error);
        options.onLost(reason);
        if (performance.now() - loggedAt > logEveryMs) {
          loggedAt = performance.now();
          log.warn({ reason }, "no connection to the backplane; connecting again until there is one");
        }
        const pauseMs = pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0;
        failures += 1;
        await delay(pauseMs * (0.5 + Math.random() / 2));
      }
    }
  }

  return {
    connection: (): C | undefined => current,
    /** Starts to connect, and keeps trying. */
    start: () => void run(),
    /** Discards the connection, if there is one, and makes a new one. */
    renew: (reason: string): void => scope.abort(new Error(reason)),
    close(): void {
      closed = true;
      scope.abort(new Error("closed"));
    },
  };
}
