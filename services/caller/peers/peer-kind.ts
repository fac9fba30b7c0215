import type { CallerPeer, Capabilities } from "../../../common/calls.ts";
import type { RelayAck } from "../../../common/protocol.ts";

/** The connection settings of one peer. */
export interface PeerOptions {
  /** The proxy's public URL. */
  url: string;
  /** That one, and those that take its place while it does not answer. */
  urls: readonly string[];
  transports: CallerPeer["transports"];
  /** Keeps the sticky cookie across connections. */
  cookies: boolean;
  /** False: a peer that lost its connection does not reconnect (a drill's negative control). */
  rejoin: boolean;
  /** In [0, 1). */
  random: () => number;
  /** More query parameters of the connection. */
  query?: Record<string, string>;
  /** The application's token for a peer, if it requires one. */
  token?: string;
  /** Path of the application's endpoint. */
  path?: string;
  /** First message of each connection, for applications that close a silent connection. */
  hello?: string;
}

/** Events of a peer. Times are epoch ms. */
export interface PeerEvents {
  /**
   * The peer is in its room, or its session is open if the application has no rooms. Repeated after each loss.
   *
   * @param told.node replica of the connection; null if unknown
   * @param told.peers other peers in the room
   */
  joined(told: { node: string | null; peerId: string | null; peers: number }): void;
  /** The connection is lost. The peer reconnects by itself, unless `rejoin` is false. */
  lost(at: number, reason: string): void;
  /** An attempt to connect failed; the next one follows. */
  failed(message: string): void;
  /** The peer has ended for good. */
  ended(): void;
  /** Another peer came into the room. */
  peerJoined(): void;
  /** Another peer's signal arrived. */
  received(event: string, signal: Record<string, unknown>): void;
  /** A signal was sent, or sent again. */
  emitted(signal: Record<string, unknown>): void;
}

/** One peer of an application, over any number of connections. */
export interface ConnectedPeer {
  /** Connects and enters the room. The events report the result. */
  join(roomId: string): void;
  /** Sends a signal to the others in the room. Never rejects. It is not called for a kind without signals. */
  send(event: string, signal: Record<string, unknown>): Promise<RelayAck>;
  /** Leaves and closes for good. */
  close(): Promise<void>;
}

/**
 * The protocol between callers and an application. `signaling`, `engine` and `websocket` are built in; `PEER` names one
 * of them, or a file whose export `peer` is of this type (docs/adopt.md).
 */
export interface PeerKind {
  capabilities: Capabilities;
  connect(options: PeerOptions, events: PeerEvents): ConnectedPeer;
}
