import { setTimeout as delay } from "node:timers/promises";
import type { ConnectQueue } from "../fairness/connect-queue.ts";
import type { Prober } from "../health/prober.ts";
import { type Reply, replyOf, unknownSession } from "../listen/replies.ts";
import type { Metrics } from "../metrics.ts";
import { overloaded, type Passed } from "../screen/gate.ts";
import type { Admission } from "./admission.ts";
import type { Replica, ReplicaTable } from "./replica-table.ts";

/** A try at one replica took too long. */
export class TryTimeout extends Error {}

/** The replica went down, or the session was moved, during the request. */
export class Ejected extends Error {}

/** How one try at one replica ended. */
export type Outcome =
  /** The replica's answer is on its way to the client. */
  | { kind: "answered" }
  /** The client left. */
  | { kind: "gone" }
  /** There is no answer yet. Another replica may be tried, or `reply` sent. */
  | { kind: "failed"; reply: Reply };

const unreachable: Reply = { status: 502, body: { error: "the replica cannot be reached" } };
const timedOut: Reply = { status: 504, body: { error: "the replica did not answer in time" } };
const unavailable: Reply = {
  status: 503,
  body: { error: "no replica takes new sessions" },
  headers: { "retry-after": "1" },
};

/** The outcome of a failed try for the client. A session whose replica refuses connections or was ejected is gone. */
export function failedTry(error: unknown, passed: Passed): Outcome {
  if (error instanceof TryTimeout) return { kind: "failed", reply: timedOut };
  const lost = error instanceof Ejected || (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  return { kind: "failed", reply: passed.sid !== undefined && lost ? unknownSession : unreachable };
}

/** How a request is tried. */
export interface Tries {
  /** When the request came, `performance.now()`. */
  startedAt: number;
  /** One try at this replica, with a deadline. `release` lets the next request follow, before the try has ended. */
  attempt(replica: Replica, timeoutMs: number, release: () => void): Promise<Outcome>;
  clientGone(): boolean;
  /** False if the request cannot be sent again. Then there is only one try. */
  retriable: boolean;
  /** True if only a failed connection leads to another try, because a slow replica already has the request. */
  patient: boolean;
}

/**
 * Tries the replicas of a route in turn until one answers: each new session waits for its admission, each try waits
 * for its place in the queue of the replica, each try and all of them together have a deadline.
 */
export function createAttempts(
  config: { TRY_TIMEOUT_MS: number; RETRY_DEADLINE_MS: number },
  {
    table,
    prober,
    admission,
    queue,
    metrics,
  }: { table: ReplicaTable; prober: Prober; admission: Admission; queue: ConnectQueue; metrics: Metrics },
) {
  return async function tryInTurn(
    passed: Passed,
    { startedAt, attempt, clientGone, retriable, patient }: Tries,
  ): Promise<{ outcome: Outcome; retries: number }> {
    const { route } = passed;
    if (route.kind === "unknown-session") return { outcome: { kind: "failed", reply: unknownSession }, retries: 0 };
    const order = route.kind === "session" ? [route.replica] : retriable ? route.order : route.order.slice(0, 1);
    const deadline = startedAt + config.RETRY_DEADLINE_MS;
    let outcome: Outcome = { kind: "failed", reply: unavailable };
    let retries = 0;
    for (let index = 0; index < order.length; index++) {
      const id = order[index] as string;
      if (passed.opensSession) {
        const waitMs = admission.replica(id);
        if (waitMs === undefined) {
          metrics.rejected.inc(overloaded.reason);
          return { outcome: { kind: "failed", reply: replyOf(overloaded) }, retries };
        }
        if (waitMs > 0) await delay(waitMs);
      }
      const wait = queue.enter(id, passed.client.chain[0] as string);
      if (wait !== undefined) await wait;
      let isIn = true;
      const release = () => {
        if (isIn) queue.leave(id);
        isIn = false;
      };
      try {
        if (clientGone()) return { outcome: { kind: "gone" }, retries };
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) break;
        const replica = table.get(id);
        if (replica === undefined || replica.state === "down") continue;
        if (route.kind !== "session" && replica.state === "draining") continue;
        outcome = await attempt(replica, Math.min(config.TRY_TIMEOUT_MS, leftMs), release);
        if (outcome.kind !== "failed") return { outcome, retries };
        prober.suspect(replica);
      } finally {
        release();
      }
      if (patient && outcome.reply === timedOut) return { outcome, retries };
      if (index < order.length - 1) {
        retries += 1;
        metrics.retries.inc(id);
      }
    }
    return { outcome, retries };
  };
}

export type TryInTurn = ReturnType<typeof createAttempts>;
