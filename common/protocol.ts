import { z } from "zod";
import type { RELAYED } from "./protocol-names.ts";

/** An event that relays a signal. */
export type RelayEvent = (typeof RELAYED)[number];

export const ERROR_CODES = [
  "invalid",
  "too-large",
  "not-in-room",
  "room-full",
  "unauthorized",
  "rate-limited",
  "backplane-down",
  "draining",
  "overloaded",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** A room id: 1 to 128 UTF-16 units, well-formed. A lone surrogate could become another room on another replica. */
export const RoomId = z
  .string()
  .min(1)
  .max(128)
  .refine((id) => id.isWellFormed());
/** A peer id. The replica mints one for each socket. It is public and is never the socket id. */
export const PeerId = z.string().min(1).max(64);

/**
 * The data of `offer`, `answer`, `candidate`, `bye`. Other keys (`description`, `candidate`, …) pass unchanged.
 */
export const Signal = z.looseObject({ roomId: RoomId, to: PeerId.optional() });
export type Signal = z.infer<typeof Signal>;
/** The signal as its addressee gets it: with its sender, and with an id by which a client drops repeats. */
export type DeliveredSignal = Signal & { from: string; id: string };

/** `join`'s second argument. `resume` is the token of the last join ack: it keeps the peer id on any replica. */
export const JoinOptions = z.looseObject({ resume: z.string().max(4096).optional() });
export type JoinOptions = z.infer<typeof JoinOptions>;

/** A refusal: the ack of an event that was not carried out. `retryAfterMs` comes with `draining` and `overloaded`. */
export interface Refused {
  ok: false;
  /** `traceId` is the proxy's correlation id, for a search in the logs. */
  error: { code: ErrorCode; message: string; retryAfterMs?: number; delivered?: "local"; traceId?: string };
}
export interface KnownPeer {
  peerId: string;
  /** True while the peer has no socket and its grace (10 s) runs. */
  away?: boolean;
}
export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}
export interface Joined {
  ok: true;
  /** The replica's `NODE_ID`. */
  node: string;
  peerId: string;
  /** The other known members. */
  peers: KnownPeer[];
  /**
   * False if a replica that may hold members of the room has not confirmed the join in time, or the backplane is down.
   * Its members' signals may not arrive before the event `settled`.
   */
  settled?: false;
  /** Send it with the next join to keep `peerId`. It is the peer's identity, so keep it secret. */
  resume: string;
  iceServers?: IceServer[];
}
export interface Relayed {
  ok: true;
  /** Addressees that were not connected. Send again on their `peer-joined`. */
  away?: string[];
}
export interface Left {
  ok: true;
}
export type JoinAck = Joined | Refused;
export type RelayAck = Relayed | Refused;
export type LeaveAck = Left | Refused;

export interface PeerJoined {
  roomId: string;
  peerId: string;
  /** The replica that the peer is connected to. */
  node: string;
  /** True when a peer that was away came back. */
  resumed?: boolean;
}
export interface PeerAway {
  roomId: string;
  peerId: string;
  reason: "disconnected" | "draining" | "replica-lost";
}
export interface PeerLeft {
  roomId: string;
  peerId: string;
  reason: "left" | "timeout" | "replica-lost" | "expired";
}
export interface Draining {
  /** Time until the server closes this socket, ms. Informative. */
  reconnectInMs: number;
}
/** Follows a join ack with `settled: false`: from now on every signal of the room arrives. */
export interface Settled {
  roomId: string;
}
/** Sent for a refused event whose sender asked for no ack. */
export interface ErrorReport {
  event: string;
  code: ErrorCode;
  message: string;
}

/**
 * Socket.IO's typed events from client to replica, as the client library sends them. The protocol lets a client leave
 * out `options` and `ack`.
 */
export interface ClientToServerEvents {
  join(roomId: string, options: JoinOptions, ack: (ack: JoinAck) => void): void;
  leave(roomId: string, ack: (ack: LeaveAck) => void): void;
  offer(signal: Signal, ack: (ack: RelayAck) => void): void;
  answer(signal: Signal, ack: (ack: RelayAck) => void): void;
  candidate(signal: Signal, ack: (ack: RelayAck) => void): void;
  bye(signal: Signal, ack: (ack: RelayAck) => void): void;
}

/** Socket.IO's typed events from replica to client. */
export interface ServerToClientEvents {
  offer(signal: DeliveredSignal): void;
  answer(signal: DeliveredSignal): void;
  candidate(signal: DeliveredSignal): void;
  bye(signal: DeliveredSignal): void;
  "peer-joined"(event: PeerJoined): void;
  "peer-away"(event: PeerAway): void;
  "peer-left"(event: PeerLeft): void;
  settled(event: Settled): void;
  draining(event: Draining): void;
  superseded(event: { peerId: string }): void;
  "error-report"(event: ErrorReport): void;
}

/** A frame that a client sends on `/ws`. A frame with an id is answered by `{id, ack}`. */
export const ClientFrame = z.object({
  event: z.string().max(64),
  data: z.unknown().optional(),
  id: z.number().int().nonnegative().optional(),
});
export type ClientFrame = z.infer<typeof ClientFrame>;
/** A frame that the replica sends on `/ws`. */
export type ServerFrame = { event: keyof ServerToClientEvents; data: unknown } | { id: number; ack: unknown };
