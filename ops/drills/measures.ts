import type { CallerPeer } from "../../common/calls.ts";
import type { Expectation, Observation } from "./define-drill.ts";

const key = ({ call, side }: CallerPeer) => `${call}${side}`;
const outagesOf = ({ after, injectedAt }: Observation) =>
  after.peers.flatMap((peer) => peer.outages.filter(({ at }) => at >= injectedAt).map((outage) => ({ peer, outage })));

/** Peers on other replicas than the drill's that lost a socket. */
function hurt({ node, peersBefore, after }: Observation): CallerPeer[] {
  const lostBefore = new Map(
    peersBefore.filter((peer) => peer.node !== node).map((peer) => [key(peer), peer.socketsLost]),
  );
  return after.peers.filter((peer) => peer.socketsLost > (lostBefore.get(key(peer)) ?? Number.POSITIVE_INFINITY));
}

/** Number of peers on other replicas than the drill's that lost a socket. */
export const survivorsHurt = (seen: Observation): number => hurt(seen).length;

/** Where, when and why a survivor lost a socket. */
function hurtLines(seen: Observation): string[] {
  return hurt(seen).flatMap(({ call, side, transports, outages }) =>
    outages
      .filter(({ at }) => at >= seen.injectedAt)
      .map(({ at, from, reason = "no reason" }) => {
        const after = `${at - seen.injectedAt} ms after the injection`;
        return `peer ${call}${side} (${transports}) on ${from} lost its socket ${after}: ${reason}`;
      }),
  );
}

/** Peers that lost a socket since the injection. */
export function moved(seen: Observation): number {
  return new Set(outagesOf(seen).map(({ peer }) => key(peer))).size;
}

/** The most sockets lost in any window of `windowMs`. */
export function peakLost(seen: Observation, windowMs: number): number {
  const times = outagesOf(seen)
    .map(({ outage }) => outage.at)
    .sort((a, b) => a - b);
  return times.reduce(
    (peak, from, index) => Math.max(peak, times.slice(index).filter((at) => at < from + windowMs).length),
    0,
  );
}

/** Percentage of outages of peers with cookies after which the peer was on the same replica again. */
export function sameReplica(seen: Observation): number {
  const ended = outagesOf(seen).filter(({ peer, outage }) => peer.cookies && outage.to !== null);
  return (100 * ended.filter(({ outage }) => outage.from === outage.to).length) / ended.length;
}

/** From the injection to the last socket lost, ms. */
export function lastLostMs(seen: Observation): number {
  return Math.max(...outagesOf(seen).map(({ outage }) => outage.at - seen.injectedAt));
}

/** A figure that the drill recorded. */
export const figureOf =
  (name: string) =>
  ({ figures }: Observation): number =>
    figures[name] ?? Number.NaN;

/** Increase of the latency of signals of this scope over the time before the injection, ms. */
export const latencyOverBefore = (
  { before, after }: Observation,
  scope: "local" | "remote",
  percentile: "p95" | "p99",
): number => after.latencyMs[scope][percentile] - before.latencyMs[scope][percentile];

export const reconnectP95 = (max: number): Expectation => ({
  name: "reconnect p95",
  unit: "ms",
  bound: { max },
  measure: ({ after }) => (after.reconnectMs.count === 0 ? Number.NaN : after.reconnectMs.p95),
});
export const reconnectMax = (max: number): Expectation => ({
  name: "reconnect max",
  unit: "ms",
  bound: { max },
  measure: ({ after }) => (after.reconnectMs.count === 0 ? Number.NaN : after.reconnectMs.max),
});
export const everyoneBack = (max: number): Expectation => ({
  name: "everyone back after",
  unit: "ms",
  bound: { max },
  measure: ({ recoveredMs }) => recoveredMs,
});
export const noMediaInterruption: Expectation = {
  name: "media interruptions",
  needs: "media",
  unit: "",
  bound: { max: 0 },
  // Without a media connection there is no interruption to count.
  measure: ({ after, before }) => (before.media.connected === 0 ? Number.NaN : after.media.interruptions),
};
export const noneLostAfterRejoin: Expectation = {
  name: "signals lost after re-join",
  needs: "signals",
  unit: "",
  bound: { max: 0 },
  measure: ({ after }) => (after.signals.received === 0 ? Number.NaN : after.signals.lostAfterRejoin),
};
export const noneLost: Expectation = {
  name: "acknowledged signals lost",
  needs: "signals",
  unit: "",
  bound: { max: 0 },
  measure: ({ after }) => (after.signals.received === 0 ? Number.NaN : after.signals.lost),
};
export const noneStale: Expectation = {
  name: "stale signals",
  needs: "signals",
  unit: "",
  bound: { max: 0 },
  measure: ({ after }) => (after.signals.received === 0 ? Number.NaN : after.signals.stale),
};
export const survivorsKeepSockets: Expectation = {
  name: "survivors that lost a socket",
  unit: "",
  bound: { max: 0 },
  measure: survivorsHurt,
  explain: hurtLines,
};
