import type { Adapter } from "socket.io-adapter";
import type { Log } from "../../../common/log.ts";
import type { Metrics } from "../metrics.ts";
import type { Envelope } from "./envelope.ts";

/** Plain channels, patterns of them, and channels of sharded pub/sub (Redis 7). */
export type ChannelKind = "channel" | "pattern" | "shard";

/** A connection to the servers of a backplane. It works until it is destroyed, and never reconnects. */
export interface BackplaneConnection {
  /** Publishes; returns a promise if the server answers. Throws or rejects if it is known not to be sent. */
  publish(kind: ChannelKind, channel: string, message: Buffer): Promise<unknown> | undefined;
  /** Resolves when the server knows the subscription. */
  subscribe(kind: ChannelKind, channel: string, listener: (message: Buffer, channel: Buffer) => void): Promise<unknown>;
  unsubscribe(kind: ChannelKind, channel: string): Promise<unknown>;
  /** Number of processes that subscribe to a channel. Infinity if the servers cannot tell. */
  listeners(kind: ChannelKind, channel: string): Promise<number>;
  destroy(): void;
}

/**
 * Carries room messages between replicas.
 *
 * Losing it never ends the process and never delays delivery between peers on one replica. A message that cannot be
 * published is counted and dropped. A message with over 1 s in transit is not delivered. The backplane reconnects by
 * itself.
 */
export interface Backplane {
  /** For `io.adapter(…)`. */
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own constructor type names the namespace as any
  adapter: (namespace: any) => Adapter;
  /**
   * Publishes on one of the replicas' own channels. Rejects if the backplane cannot take it. That is known at once if
   * the backplane is down, and within 3 s if it has just frozen. A local delivery never waits for it.
   */
  publish(channel: string, payload: string): Promise<void>;
  /**
   * Subscribes to one of the replicas' own channels, and also gets own messages. Resolves with a function that
   * unsubscribes. It also resolves while the backplane is down, and the subscription is made when it is back.
   */
  subscribe(channel: string, listener: (payload: string, transitMs: number) => void): Promise<() => Promise<void>>;
  /**
   * Publishes on one of the replicas' own channels, even while the canary is overdue. It counts failures and does not
   * report them.
   */
  fire(channel: string, payload: Buffer | string): void;
  /** Like `subscribe`, with bytes. The listener may keep the buffer. */
  listen(channel: string, listener: (payload: Buffer, transitMs: number) => void): Promise<() => Promise<void>>;
  /**
   * Number of processes that subscribe to one of the replicas' own channels, including this one. Infinity if the
   * backplane cannot tell. Rejects without the backplane.
   */
  listeners(channel: string): Promise<number>;
  /** Resolves when all subscriptions so far are known to the backplane; undefined if they are already. */
  subscribing(): Promise<unknown> | undefined;
  /** False if this replica's canary did not come back within 2 s, or its connection is lost. */
  up(): boolean;
  /**
   * False if that replica was not heard since this one connected, or said that it leaves: replicas do not reach the next
   * server at the same moment.
   */
  reaches(nodeId: string): boolean;
  /** Calls the listener when `up()` changes. */
  onChange(listener: (up: boolean) => void): void;
  /** Calls the listener when messages of others were dropped for their age. Gossip may be among them. */
  onMissed(listener: () => void): void;
  /** Calls the listener on the heartbeat of every replica, including this one, about once a second each. */
  onHeartbeat(listener: (nodeId: string) => void): void;
  /**
   * Set when sessions can be recovered: for Socket.IO's `connectionStateRecovery`. Signals must then be broadcast
   * through the adapter even where all members are local, or they cannot be replayed.
   */
  readonly recovery?: { maxDisconnectionDuration: number; skipMiddlewares: false };
  /**
   * Set if broadcasts are stored. Resolves when the adapter's last one was accepted (true) or refused (false). A full
   * Redis refuses entries and still answers everything else.
   */
  stored?(): Promise<boolean>;
  close(): Promise<void>;
}

export interface BackplaneContext {
  nodeId: string;
  /** True if this replica takes relays on a channel of its own. */
  addressed: boolean;
  envelope: Envelope;
  log: Log;
  metrics: Metrics;
}
