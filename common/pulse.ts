/** Figures of a program's process in `GET /pulse`. */
export interface ProcessPulse {
  /** CPU time since the start, user and system, seconds. */
  cpuSeconds: number;
  /** Delay of this turn of the event loop, ms: the time until an immediate runs. */
  lagMs: number;
  rssBytes: number;
}

/** `GET /pulse` of the proxy. */
export interface ProxyPulse extends ProcessPulse {
  /** `state` is one of ready, degraded, draining, down; `since` is ISO 8601. */
  replicas: { id: string; state: string; since: string; tunnels: number }[];
}

/** `GET /pulse` of the balancer (deploy/proxies/haproxy.cfg). */
export interface BalancerPulse {
  /** Connections that it holds to the proxies. */
  connections: number;
  /** Proxies that take new connections. */
  proxies: number;
}

/** `GET /pulse?salt=…` of a replica. */
export interface ReplicaPulse extends ProcessPulse {
  node: string;
  state: string;
  /** What carries its messages to the other replicas. */
  bus: "redis" | "nats";
  backplaneUp: boolean;
  /** Client connections that have joined a room. */
  peers: number;
  /**
   * The `shownPeers` smallest names of its peers. A name is a hash of peer id and salt, so a peer has the same name on
   * every replica.
   */
  names: string[];
  /** Client events since the start. */
  events: number;
}

/** Maximum number of names that a replica reports. */
export const shownPeers = 300;

/** A chaos action in force, marked by the ops program. */
export interface ActionMark {
  action: string;
  target: string;
  /** Epoch ms. */
  since: number;
}

/** A drill's progress. */
export interface DrillProgress {
  claim: string;
  phase: string;
  expectations: { name: string; bound: string; measured: number | null; unit: string; ok: boolean | null }[];
  /** Hidden fault of a game day, encrypted for the trainer (common/seal.ts). */
  sealed?: string | undefined;
}

export interface DrillMark extends DrillProgress {
  name: string;
  /** Epoch ms. */
  since: number;
}

/** `GET /pulse` of the caller: counters since its start, and the marks. */
export interface CallerPulse extends ProcessPulse {
  calls: Record<string, number>;
  sent: number;
  received: number;
  lost: number;
  reconnects: number;
  mediaInterruptions: number;
  /** Cumulative counts by upper bound in seconds, `+Inf` last: those of `caller_signal_latency_seconds`. */
  latency: Record<"local" | "remote", [le: number, count: number][]>;
  actions: ActionMark[];
  drills: DrillMark[];
}

/** Reads the process' own figures. Takes one turn of the event loop. */
export async function readProcessPulse(): Promise<ProcessPulse> {
  const { user, system } = process.cpuUsage();
  const asked = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  return {
    cpuSeconds: (user + system) / 1e6,
    lagMs: Math.round((performance.now() - asked) * 100) / 100,
    rssBytes: process.memoryUsage.rss(),
  };
}
