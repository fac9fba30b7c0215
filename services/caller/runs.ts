import type { CallsReport, CallsRequest } from "../../common/calls.ts";
import type { Log } from "../../common/log.ts";
import { createRandom } from "../../common/random/seeded.ts";
import { type Call, createCall } from "./call.ts";
import type { Metrics } from "./metrics.ts";
import type { Target } from "./peers/peer.ts";
import { createTally } from "./tally.ts";

/** Interval of the check for losses and of the census, ms. */
const sweepEveryMs = 250;

export interface Run {
  id: string;
  /** Its calls by their current state. */
  states(): Record<"setting-up" | "connected" | "reconnecting" | "failed", number>;
  report(since: number, until: number): CallsReport;
  /** Ends every call, with `bye` and `leave`. */
  stop(): Promise<void>;
}

/** Places `request.calls` calls at `request.rate` a second and holds them until `stop`. */
export function startRun(request: CallsRequest, target: Target, metrics: Metrics, log: Log): Run {
  const id = request.run;
  const tally = createTally();
  const random = createRandom(request.seed);
  const startedAt = Date.now();
  const calls: Call[] = [];

  const place = () => {
    const call = createCall({
      index: calls.length,
      roomId: `${id}-${calls.length}`,
      request,
      target,
      random,
      tally,
      metrics,
      log,
    });
    calls.push(call);
    if (calls.length >= request.calls) clearInterval(pacing);
  };
  const pacing = setInterval(place, 1000 / request.rate);
  place();

  const sweeping = setInterval(() => {
    const now = Date.now();
    const peersByNode: Record<string, number> = {};
    let reconnecting = 0;
    for (const call of calls) {
      call.sweep(now);
      for (const { node, state } of call.peers()) {
        if (node !== null) peersByNode[node] = (peersByNode[node] ?? 0) + 1;
        if (state === "reconnecting") reconnecting += 1;
      }
    }
    tally.census(now, peersByNode, reconnecting);
  }, sweepEveryMs);

  function states(): ReturnType<Run["states"]> {
    const count = { "setting-up": 0, connected: 0, reconnecting: 0, failed: 0 };
    for (const call of calls) {
      const state = call.state();
      if (state !== "established") count[state] += 1;
      else count[call.peers().every((peer) => peer.state === "joined") ? "connected" : "reconnecting"] += 1;
    }
    return count;
  }

  return {
    id,
    states,
    report(since, until) {
      const { media, ...tallied } = tally.report(since, until);
      return {
        run: id,
        capabilities: target.kind.capabilities,
        startedAt,
        calls: {
          wanted: request.calls,
          started: calls.length,
          established: calls.filter((call) => call.state() === "established").length,
          failed: calls.filter((call) => call.state() === "failed").length,
        },
        peers: calls.flatMap((call) => call.peers()),
        media: { connected: calls.filter((call) => call.mediaConnected()).length, ...media },
        ...tallied,
      };
    },
    async stop() {
      clearInterval(pacing);
      clearInterval(sweeping);
      await Promise.all(calls.map((call) => call.stop()));
    },
  };
}
