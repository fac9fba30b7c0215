import type { Adapter } from "socket.io-adapter";
import type { Log } from "../../../common/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Envelope } from "./envelope.ts";

/**
 * What carries room messages between replicas.
 *
 * Losing it never ends the process and never delays delivery between peers on one replica. A message that cannot be
 * published is counted and dropped. A message that was more than 1 s in transit is not delivered. The backplane comes
 * back by itself.
 */
export interface Backplane {
  /** For `io.adapter(…)`. */
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own constructor type names the namespace as any
  adapter: (namespace: any) => Adapter;
  /**
   * Sends on a channel of our own. Rejects when the backplane cannot take it now, which is known at once when it is
   * down and within 3 s when it froze a moment ago: nobody waits for it before a local delivery.
   */
  publish(channel: string, payload: string): Promise<void>;
  /**
   * Listens on a channel of our own, own messages included; resolves with what ends it. While the backplane is down
   * it resolves too, and the subscription is made when it is back.
   */
  subscribe(channel: string, listener: (payload: string, transitMs: number) => void): Promise<() => Promise<void>>;
  /** Sends on a channel of our own, also while the canary is not back. Counts what cannot be sent; nobody waits. */
  fire(channel: string, payload: Buffer | string): void;
  /** Like `subscribe`, with bytes. The listener may keep the buffer. */
  listen(channel: string, listener: (payload: Buffer, transitMs: number) => void): Promise<() => Promise<void>>;
  /** How many processes listen on a channel of our own, this one included. Rejects without the backplane. */
  listeners(channel: string): Promise<number>;
  /** Resolves when what was subscribed to up to now is known to the backplane; undefined when it is. */
  subscribing(): Promise<unknown> | undefined;
  /** False when this replica's own canary did not come back within 2 s, or its connection is lost. */
  up(): boolean;
  /** Told when `up()` changes. */
  onChange(listener: (up: boolean) => void): void;
  /** Called when messages of others were dropped because they were too old. Gossip may be among them. */
  onMissed(listener: () => void): void;
  /** Told of the heartbeat of every replica, the own included, about once a second each. */
  onHeartbeat(listener: (nodeId: string) => void): void;
  /**
   * Set when sessions can be recovered: for Socket.IO's `connectionStateRecovery`. Signals must then be broadcast
   * through the adapter even where all members are local, or they cannot be replayed.
   */
  readonly recovery?: { maxDisconnectionDuration: number; skipMiddlewares: false };
  /**
   * Set where broadcasts are stored. Resolves when the last one of the adapter was taken (true) or refused (false):
   * a full Redis refuses, and answers everything else.
   */
  stored?(): Promise<boolean>;
  close(): Promise<void>;
}

export interface BackplaneContext {
  nodeId: string;
  /** Whether this replica takes relays on a channel of its own. */
  addressed: boolean;
  envelope: Envelope;
  log: Log;
  metrics: Metrics;
}
