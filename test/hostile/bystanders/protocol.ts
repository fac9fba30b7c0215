/** Between the suite and the process that holds the bystanders. */
export interface BystanderSettings {
  proxyUrl: string;
  proxyAdminUrl: string;
  /** Of the replicas. */
  adminUrls: string[];
  nodeIds: string[];
}

export type Order = "begin" | "end";

export type Told = { kind: "ready"; rooms: string[] } | { kind: "begun" } | { kind: "report"; report: BystanderReport };

/** What twelve peers saw while somebody attacked. */
export interface BystanderReport {
  sent: number;
  /** Signals that got another ack than ok, as `code: count`. */
  refused: Record<string, number>;
  /** Acknowledged and not received within the time that is left for it. */
  lost: number;
  unanswered: number;
  repeated: number;
  /** One-way, ms. */
  p99Ms: number;
  worstMs: number;
  /** Peers whose socket closed, as `how they connect: why`. */
  socketsLost: string[];
  /** Events about bystanders that nobody caused. */
  strange: string[];
  /** Samples in which a replica was not ready, as `who: what`. */
  notReady: string[];
  samples: number;
}
