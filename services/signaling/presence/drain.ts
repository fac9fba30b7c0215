import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../../common/log.ts";
import type { Connection } from "../gateways/connection.ts";

/** Minimum time for which a socket announced as away still gets signals, ms. */
const lingerMs = 250;
/** Number of closes that may follow a stall without a pause. More would be the storm that a drain avoids. */
const burst = 2;
/** Shortest time between two closes, as a share of the configured one. A stall is made up for slowly. */
const leastInterval = 0.9;
/** Connections that end within this time share one round trip, ms. */
const gatherMs = 50;
/** Interval of the check for sockets that connected during the drain, ms. */
const idleMs = 50;

/**
 * Moves the peers of this replica away, `perSecond` of them. Each peer gets the time of its close and is announced as
 * away to all. It stays connected until the announcement has reached every replica, and is then closed. It still gets
 * signals that others sent before the announcement. Later signals are acknowledged with `away`. So no acknowledged
 * signal is lost.
 */
export function createDrain(options: {
  connections: () => Iterable<Connection>;
  announceAway: (connection: Connection, reason: "disconnected" | "draining") => void;
  /** Resolves when what was announced has reached the other replicas, as far as can be known. */
  announced: () => Promise<void>;
  log: Log;
}) {
  const { announceAway, announced, log } = options;
  let stopping: AbortController | undefined;
  let nextCloseAt = performance.now();
  let gathering: Promise<void> | undefined;

  async function close(connection: Connection, interval: () => number): Promise<void> {
    announceAway(connection, "draining");
    await Promise.all([delay(lingerMs), announced()]);
    const waitMs = nextCloseAt - performance.now();
    nextCloseAt = Math.max(nextCloseAt, performance.now()) + interval() * leastInterval;
    if (waitMs > 0) await delay(waitMs);
    connection.disconnect();
  }

  async function run(perSecond: number, doneAt: number, signal: AbortSignal): Promise<void> {
    // The deadline does not move after a stall, so the remaining peers are spread over the remaining time.
    const interval = () => Math.min(1000 / perSecond, Math.max(0, doneAt - performance.now()) / (queue.length + 1));
    const handled = new WeakSet<Connection>();
    let queue: Connection[] = [];
    let dueAt = performance.now();
    while (!signal.aborted) {
      if (queue.length === 0) {
        queue = [...options.connections()].filter((connection) => !handled.has(connection));
        queue.forEach((connection, place) => {
          handled.add(connection);
          const reconnectInMs = Math.round((place + Math.random()) * interval() + lingerMs);
          connection.send("draining", { reconnectInMs });
        });
      }
      const connection = queue.shift();
      const waitMs = connection === undefined ? idleMs : dueAt - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
      if (connection === undefined) continue;
      close(connection, interval).catch((err: unknown) => log.error({ err }, "a drained socket was not closed"));
      dueAt = Math.max(dueAt + interval(), performance.now() - burst * interval());
    }
  }

  function gathered(): Promise<void> {
    gathering ??= delay(gatherMs).then(() => {
      gathering = undefined;
      return announced();
    });
    return gathering;
  }

  return {
    /**
     * The client of this connection sends no more, but still gets signals. Its peer is announced as away. Resolves when
     * all know that, and when the connection may be closed. Never rejects.
     */
    async leave(connection: Connection): Promise<void> {
      announceAway(connection, "disconnected");
      await Promise.all([delay(lingerMs), gathered()]).catch((err: unknown) =>
        log.error({ err }, "the others may not know that a peer is away"),
      );
    },
    /**
     * Starts the drain. Until `stop`, newly connected sockets are moved too.
     *
     * @param withinMs raises the pace above `perSecond` if that is necessary to finish in time
     */
    start(perSecond: number, withinMs = Number.POSITIVE_INFINITY): void {
      stopping?.abort();
      const controller = new AbortController();
      stopping = controller;
      run(perSecond, performance.now() + withinMs, controller.signal).catch((err: unknown) => {
        if (!controller.signal.aborted) log.error({ err }, "the drain broke off");
      });
    },
    /** Sockets that are not yet announced as away stay. */
    stop: (): void => stopping?.abort(),
    /** Resolves when no socket is left. */
    async empty(): Promise<void> {
      while (!options.connections()[Symbol.iterator]().next().done) await delay(10);
    },
  };
}
