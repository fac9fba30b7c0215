/** Messages between the suite and the process of the bystanders. */
export interface BystanderSettings {
  proxyUrl: string;
  proxyAdminUrl: string;
  /** Admin URLs of the replicas. */
  adminUrls: string[];
  nodeIds: string[];
}

export type Order = "begin" | "end";

export type Told = { kind: "ready"; rooms: string[] } | { kind: "begun" } | { kind: "report"; report: BystanderReport };

/** The observations of the twelve peers during an attack. */
export interface BystanderReport {
  sent: number;
  /** Refused signals, as `code: count`. */
  refused: Record<string, number>;
  /** Acknowledged signals that did not arrive in time. */
  lost: number;
  unanswered: number;
  repeated: number;
  /** One-way latency, ms. */
  p99Ms: number;
  worstMs: number;
  /** Peers whose socket closed, as `how they connect: why`. */
  socketsLost: string[];
  /** Presence events about bystanders that no bystander caused. */
  strange: string[];
  /** Samples in which a replica was not ready, as `who: what`. */
  notReady: string[];
  samples: number;
}
