/** What one unit of work costs, as this repository measured it on cores of an AMD EPYC. CPU in µs, memory in bytes. */
export interface Figures {
  /** CPU of the sender's replica for a signal to a peer on another replica. */
  senderUs: number;
  /** CPU of the receiver's replica for one. */
  receiverUs: number;
  /** CPU of each replica without a member of the room. */
  bystanderUs: number;
  /** CPU of Redis for one. */
  redisUs: number;
  /** CPU of the proxy for one relayed message. */
  messageUs: number;
  /** Memory that an idle peer keeps on its replica. */
  peerBytes: number;
  /** Memory that an idle tunnel keeps at its proxy. */
  tunnelBytes: number;
}

/**
 * docs/performance.md: `make bench-signaling`, three replicas at 1,000 signals a second, and what an idle peer keeps;
 * `make bench-proxy`, messages at 8,000 a second and memory of an idle tunnel. At higher rates a signal costs
 * less, because messages share wake-ups: a plan with these figures is on the safe side.
 */
export const measured: Figures = {
  senderUs: 91,
  receiverUs: 75,
  bystanderUs: 0,
  redisUs: 29,
  messageUs: 15.4,
  peerBytes: 11_931,
  tunnelBytes: 4.8 * 1024,
};

/** The measured cost of a signal between two replicas, by who pays it, in any unit. */
export interface SignalCost {
  /** The sender's and the receiver's replica. */
  pair: number;
  server: number;
  /** All replicas without a member of the room. */
  bystanders: number;
}

/** The cost of a signal as a line over the number of replicas: `base` with two, and `perReplica` for each more. */
export interface CostLine {
  base: number;
  perReplica: number;
}

/**
 * Fits the cost of a signal, measured with two and with three replicas. What a further replica costs is the third one's
 * own CPU, and what the server uses more. The pair, by far the most, does not depend on the others: a slope through its
 * two figures would extrapolate their noise. Noise can make the third replica look cheaper than free; it is taken as
 * free then.
 */
export function fitCost(withTwo: SignalCost, withThree: SignalCost): CostLine {
  const serverMore = Math.max(0, withThree.server - withTwo.server);
  const server = serverMore > 0 ? withTwo.server : (withTwo.server + withThree.server) / 2;
  return {
    base: (withTwo.pair + withThree.pair) / 2 + server,
    perReplica: Math.max(0, withThree.bystanders) + serverMore,
  };
}

/** The cost of a signal with this number of replicas, in the unit of the line. */
export function costWith(line: CostLine, replicas: number): number {
  return line.base + line.perReplica * (replicas - 2);
}
