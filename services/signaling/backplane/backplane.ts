import type { Adapter } from "socket.io-adapter";
import type { Log } from "../../../common/log.ts";
import type { Config } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import { createPubSubBackplane } from "./pubsub.ts";

/**
 * What carries room messages between replicas.
 *
 * Losing it never ends the process and never delays delivery between peers on one replica: `adapter` hands local
 * deliveries over at once, and what cannot be published is counted and dropped. Nothing that was more than 1 s in
 * transit is delivered.
 */
export interface Backplane {
  /** For `io.adapter(…)`. */
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own constructor type names the namespace as any
  adapter: (namespace: any) => Adapter;
  /** Sends on a channel of our own. Rejects when the backplane cannot take it now. */
  publish(channel: string, payload: string): Promise<void>;
  /** Listens on a channel of our own, own messages included; resolves with what ends it. */
  subscribe(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>;
  /** False when this replica's own canary did not come back within 2 s. */
  up(): boolean;
  /** Told when `up()` changes. */
  onChange(listener: (up: boolean) => void): void;
  /** Told of every canary of every replica, the own included, about once a second each. */
  onHeartbeat(listener: (nodeId: string) => void): void;
  close(): Promise<void>;
}

export interface BackplaneContext {
  nodeId: string;
  log: Log;
  metrics: Metrics;
}

/** The backplane that `BACKPLANE` names, connected. Rejects when it cannot be reached at the start. */
export function createBackplane(config: Config, context: BackplaneContext): Promise<Backplane> {
  return createPubSubBackplane(config, context);
}
