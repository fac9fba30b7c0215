import type { Log } from "../../common/log.ts";
import type { Connection } from "./connection.ts";

/** After a peer was announced away it is still delivered to for at least this long, ms. */
const settleMinMs = 250;
/** The pace is raised where it would not fit into the grace, of which this much is kept for the rest, ms. */
const reserveMs = 4_000;

/**
 * Moves the connections of this replica away, one by one at a pace, so that a planned end costs no acknowledged
 * signal: each peer is told when, is announced away, still gets what others had already handed on (a round trip of the
 * backplane, at least 250 ms), and only then is closed. Its client connects again and lands on another replica.
 */
export function createDrain(options: {
  perSecond: number;
  connections: () => Iterable<Connection>;
  /** Says everywhere that the connection's peer is away. */
  announce: (connection: Connection) => void;
  /** Resolves when what was announced before has reached all replicas; never later than 3 s. */
  settled: () => Promise<void>;
  log: Log;
}) {
  const { connections, announce, settled, log } = options;
  let round: { stopped: boolean; done: Promise<void> } | undefined;

  async function move(connection: Connection, waitMs: number, current: { stopped: boolean }): Promise<void> {
    await delay(waitMs);
    if (current.stopped) return;
    announce(connection);
    await Promise.all([settled(), delay(settleMinMs)]);
    connection.close();
  }

  return {
    /**
     * Resolves when every connection there is now was moved. Asked again, it is the same drain.
     *
     * @param withinMs raises the pace where the configured one would take longer
     */
    start(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
      if (round !== undefined) return round.done;
      const all = [...connections()];
      const neededPerSecond = (all.length * 1000) / Math.max(1_000, withinMs - reserveMs);
      const perSecond = Math.max(options.perSecond, neededPerSecond);
      if (perSecond > options.perSecond)
        log.warn(
          { connections: all.length, perSecond },
          "draining faster than DRAIN_PER_SECOND, to fit into the grace",
        );
      else log.info({ connections: all.length, perSecond }, "draining");
      const current = { stopped: false, done: Promise.resolve() };
      current.done = Promise.all(
        all.map((connection, index) => {
          // Jitter inside its own slot: paced, and not in step with other replicas.
          const waitMs = ((index + Math.random()) * 1000) / perSecond;
          connection.send("draining", { reconnectInMs: Math.round(waitMs + settleMinMs) });
          return move(connection, waitMs, current);
        }),
      ).then(() => log.info("drained"));
      round = current;
      return current.done;
    },
    /** Those that were not yet moved stay. */
    stop(): void {
      if (round !== undefined) round.stopped = true;
      round = undefined;
    },
  };
}

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
