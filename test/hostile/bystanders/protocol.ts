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

/** A signal that arrived: when it was sent, ms since the epoch, and its one-way latency, ms. */
export interface Signal {
  sentAt: number;
  latencyMs: number;
}

/** The observations of the twelve peers during an attack. */
export interface BystanderReport {
  sent: number;
  /** Refused signals, as `code: count`. */
  refused: Record<string, number>;
  /** Acknowledged signals that did not arrive in time. */
  lost: number;
  unanswered: number;
  repeated: number;
  /** The signals that arrived. */
  signals: Signal[];
  /** Peers whose socket closed, as `how they connect: why`. */
  socketsLost: string[];
  /** Presence events about bystanders that no bystander caused. */
  strange: string[];
  /** Samples in which a replica was not ready, as `who: what`. */
  notReady: string[];
  samples: number;
}
