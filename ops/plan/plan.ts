import type { Figures } from "./figures.ts";

/** What the stack has to carry. */
export interface Demand {
  peers: number;
  /** Signals that each peer sends per second. */
  signalsPerSecond: number;
  /** Members of a room. */
  room: number;
}

/** What one program of each kind may use. */
export interface Limits {
  /** Part of a core that a program uses while one of its kind is lost, 0 to 1. A Node program and Redis use one core. */
  utilisation: number;
  /** Memory of a replica or proxy for its peers, bytes: its limit less what it uses without any. */
  memoryBytes: number;
  /** Client connections of a proxy (MAX_CONNECTIONS). */
  connections: number;
  /** Sockets that a replica moves within its grace period (DRAIN_PER_SECOND, GRACE_MS). */
  drained: number;
  /** Sessions per second that a replica admits (ADMIT_PER_SECOND). */
  admitPerSecond: number;
  /** Local ports for connections from one proxy to one address of a replica. */
  ports: number;
}

/** The defaults of deploy/kubernetes: limits of 256 MiB and one core, a drain of 42 s at 100 a second. */
export const defaultLimits: Limits = {
  utilisation: 0.6,
  memoryBytes: 128 * 1024 * 1024,
  connections: 20_000,
  drained: 4_200,
  admitPerSecond: 200,
  ports: 28_232,
};

/** One bound on the number of programs of a kind. */
export interface Bound {
  of: "replicas" | "proxies" | "backplane nodes";
  by: "CPU" | "memory" | "drain" | "connections" | "ports" | "availability";
  /** Programs that must stay when one is lost. */
  needed: number;
  /** What lifts this bound. */
  change: string;
}

export interface Plan {
  replicas: number;
  proxies: number;
  backplaneNodes: number;
  backplane: "pubsub" | "sharded";
  /** Per program, with all of them. */
  peersPerReplica: number;
  descriptorsPerReplica: number;
  descriptorsPerProxy: number;
  memoryPerReplica: number;
  memoryPerProxy: number;
  /** Cores in use, of all programs of a kind. */
  cores: { replicas: number; proxies: number; backplane: number };
  /** Part of a core of one program, with all of them and with one lost. */
  load: { replica: number; replicaOneLost: number; proxy: number; proxyOneLost: number };
  bounds: Bound[];
  /** The bound that decides the kind with the most programs. */
  bottleneck: Bound;
}

/** Engine.IO pings every 25 s, and each is answered. */
const pingsPerSecond = 2 / 25;
/** Messages through a proxy for a signal to one peer: the signal in, the ack back, the signal out to each. */
const messagesOf = (receivers: number) => 2 + receivers;

/**
 * The smallest stack that carries the demand with one replica and one proxy lost.
 *
 * @throws RangeError for a demand that is not positive
 */
export function plan(demand: Demand, figures: Figures, limits: Limits = defaultLimits): Plan {
  const { peers, signalsPerSecond, room } = demand;
  if (!(peers > 0 && signalsPerSecond >= 0 && room >= 2))
    throw new RangeError("a plan needs peers, signals and a room of two");
  const receivers = room - 1;
  const sent = peers * signalsPerSecond;
  const perCore = limits.utilisation * 1e6;
  const whole = (value: number) => Math.max(1, Math.ceil(value - 1e-9));

  // The receivers' share of a signal, as if each were on another replica: local ones cost less.
  const replicaUs = sent * (figures.senderUs + receivers * figures.receiverUs);
  const proxyUs = sent * messagesOf(receivers) * figures.messageUs + peers * pingsPerSecond * figures.messageUs;
  const replicaBounds: Bound[] = [
    bound(
      "replicas",
      "CPU",
      cpuNeeded(replicaUs, sent * figures.bystanderUs, perCore),
      "fewer signals, or more replicas: each is one thread, so a larger machine does not help",
    ),
    bound(
      "replicas",
      "memory",
      whole((peers * figures.peerBytes) / limits.memoryBytes),
      "raise the memory limit of a replica",
    ),
    bound(
      "replicas",
      "drain",
      whole(peers / limits.drained),
      "raise DRAIN_PER_SECOND, or GRACE_MS and the grace period",
    ),
  ];
  const replicasLeft = Math.max(...replicaBounds.map(({ needed }) => needed));
  const replicas = Math.max(3, replicasLeft + 1);
  const proxyBounds: Bound[] = [
    bound("proxies", "CPU", whole(proxyUs / perCore), "more proxies behind the balancer"),
    bound(
      "proxies",
      "memory",
      whole((peers * figures.tunnelBytes) / limits.memoryBytes),
      "raise the memory limit of a proxy",
    ),
    bound(
      "proxies",
      "connections",
      whole(peers / limits.connections),
      "raise MAX_CONNECTIONS, with descriptors for two each",
    ),
    bound("proxies", "ports", whole(peers / (replicas - 1) / limits.ports), "more replicas: each is another address"),
  ];
  const proxiesLeft = Math.max(...proxyBounds.map(({ needed }) => needed));
  const proxies = Math.max(2, proxiesLeft + 1);
  const publishes = sent * remoteReplicas(replicas, receivers);
  const backplaneUs = publishes * figures.redisUs;
  const backplaneNodes = whole(backplaneUs / perCore);
  const bounds: Bound[] = [
    ...replicaBounds,
    ...proxyBounds,
    bound("backplane nodes", "CPU", backplaneNodes, "BACKPLANE=sharded on a Redis Cluster of this many masters"),
  ];
  const ranked = bounds.toSorted((one, other) => other.needed - one.needed);
  const floor: Bound = bound(
    "replicas",
    "availability",
    2,
    "nothing: three replicas and two proxies are the least that lose one",
  );
  const bottleneck = ranked[0] !== undefined && ranked[0].needed > 2 ? ranked[0] : floor;
  const load = (us: number, count: number) => us / count / 1e6;
  return {
    replicas,
    proxies,
    backplaneNodes,
    backplane: backplaneNodes > 1 ? "sharded" : "pubsub",
    peersPerReplica: Math.ceil(peers / replicas),
    // The listener, Redis, logs, probes.
    descriptorsPerReplica: Math.ceil(peers / (replicas - 1)) + 100,
    descriptorsPerProxy: 2 * Math.ceil(peers / (proxies - 1)) + 100,
    memoryPerReplica: (peers / (replicas - 1)) * figures.peerBytes,
    memoryPerProxy: (peers / (proxies - 1)) * figures.tunnelBytes,
    cores: { replicas: replicaUs / 1e6, proxies: proxyUs / 1e6, backplane: backplaneUs / 1e6 },
    load: {
      replica: load(replicaUs, replicas),
      replicaOneLost: load(replicaUs, replicas - 1),
      proxy: load(proxyUs, proxies),
      proxyOneLost: load(proxyUs, proxies - 1),
    },
    bounds,
    bottleneck,
  };
}

function bound(of: Bound["of"], by: Bound["by"], needed: number, change: string): Bound {
  return { of, by, needed, change };
}

/** Replicas for a load that grows with their number, since every other one hears a part of each signal. */
function cpuNeeded(sharedUs: number, everyoneUs: number, perCoreUs: number): number {
  const left = perCoreUs - everyoneUs;
  return left <= 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(sharedUs / left - 1e-9));
}

/** Expected number of other replicas that hold at least one of `receivers` peers placed at random. */
export function remoteReplicas(replicas: number, receivers: number): number {
  return (replicas - 1) * (1 - (1 - 1 / replicas) ** receivers);
}
