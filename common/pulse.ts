/** What every program says of its own process in `GET /pulse`. */
export interface ProcessPulse {
  /** CPU time used so far, user and system, seconds. */
  cpuSeconds: number;
  /** How late this turn of the event loop is, ms: the time until an immediate runs. */
  lagMs: number;
  rssBytes: number;
}

/** `GET /pulse` of the proxy. */
export interface ProxyPulse extends ProcessPulse {
  /** `state` is one of ready, degraded, draining, down; `since` is ISO 8601. */
  replicas: { id: string; state: string; since: string; tunnels: number }[];
}

/** `GET /pulse?salt=…` of a replica. */
export interface ReplicaPulse extends ProcessPulse {
  node: string;
  state: string;
  backplaneUp: boolean;
  /** Client connections that have joined a room. */
  peers: number;
  /**
   * The `shownPeers` smallest names of its peers: hashes of peer id and salt, so that one peer keeps its name on any
   * replica.
   */
  names: string[];
  /** Client events handled so far. */
  events: number;
}

/** How many names of peers a replica tells at the most. */
export const shownPeers = 300;

/** A chaos action in force, as the ops program marked it. */
export interface ActionMark {
  action: string;
  target: string;
  /** Epoch ms. */
  since: number;
}

/** How far a drill is. */
export interface DrillProgress {
  claim: string;
  phase: string;
  expectations: { name: string; bound: string; measured: number | null; unit: string; ok: boolean | null }[];
  /** Truth of a game day, sealed for the trainer (common/seal.ts). */
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

/** Reads the process' own figures. One turn of the event loop long. */
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
