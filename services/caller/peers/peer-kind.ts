import type { CallerPeer, Capabilities } from "../../../common/calls.ts";
import type { RelayAck } from "../../../common/protocol.ts";

/** How one peer connects. */
export interface PeerOptions {
  /** The proxy's public URL. */
  url: string;
  transports: CallerPeer["transports"];
  /** Keeps the sticky cookie across connections. */
  cookies: boolean;
  /** Off: a peer that lost its connection stays away (a drill's negative control). */
  rejoin: boolean;
  /** In [0, 1). */
  random: () => number;
  /** More query parameters of the connection. */
  query?: Record<string, string>;
  /** What the application asks for before it lets a peer in, where it does. */
  token?: string;
  /** Path of the application's endpoint. */
  path?: string;
  /** First message of each connection, for applications that end a connection on which nothing is said. */
  hello?: string;
}

/** What a peer tells. Times are epoch ms. */
export interface PeerEvents {
  /**
   * In its room, where the application has rooms; else its session is open. Again after each loss.
   *
   * @param told.node replica that holds the connection; null: it cannot be told
   * @param told.peers others that are in the room already
   */
  joined(told: { node: string | null; peerId: string | null; peers: number }): void;
  /** The connection is gone; the peer connects again by itself, unless `rejoin` is off. */
  lost(at: number): void;
  /** An attempt to connect failed; the next one follows. */
  failed(message: string): void;
  /** Over for good. */
  ended(): void;
  /** Another peer came into the room. */
  peerJoined(): void;
  /** Another peer's signal arrived. */
  received(event: string, signal: Record<string, unknown>): void;
  /** A signal was put on the wire, or put there again. */
  emitted(signal: Record<string, unknown>): void;
}

/** One peer of an application, over any number of connections. */
export interface ConnectedPeer {
  /** Connects and goes into the room. What comes of it is told by the events. */
  join(roomId: string): void;
  /** Sends a signal to the others in the room. Never rejects. Where the kind has no signals, it is not called. */
  send(event: string, signal: Record<string, unknown>): Promise<RelayAck>;
  /** Leaves and closes, for good. */
  close(): Promise<void>;
}

/**
 * How callers speak to an application. `signaling`, `engine` and `websocket` are built in; `PEER` names one of them, or
 * a file whose export `peer` is of this type (docs/adopt.md).
 */
export interface PeerKind {
  capabilities: Capabilities;
  connect(options: PeerOptions, events: PeerEvents): ConnectedPeer;
}
