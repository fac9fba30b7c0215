import { randomBytes } from "node:crypto";
import { z } from "zod";

/** Choose the id first, so that a failed start can still be ended. */
export const newRunId = (): string => `run-${randomBytes(4).toString("hex")}`;

/** `POST /calls` of the caller: a run of synthetic calls, two peers a call. */
export const CallsRequest = z.object({
  /** Names the run; without it the caller does. */
  run: z
    .string()
    .regex(/^run-[0-9a-f]{8}$/)
    .default(newRunId),
  /** Calls to hold, two peers each. */
  calls: z.number().int().min(1).max(2_000),
  /** Calls started per second. */
  rate: z.number().positive().max(500).default(20),
  /** Numbered signals each peer sends per second while its call stands. */
  signalsPerSecond: z.number().positive().max(100).default(5),
  /** Relative weights of how a peer connects; every peer draws one, seeded. */
  mix: z
    .object({
      /** Polling first, then upgraded: Socket.IO's default. */
      default: z.number().nonnegative().default(1),
      websocket: z.number().nonnegative().default(2),
      polling: z.number().nonnegative().default(1),
      /** Share of peers, 0..1, that keep no cookies; unset: the caller's `PEER_COOKIELESS`. */
      cookieless: z.number().min(0).max(1).optional(),
    })
    .prefault({}),
  /** Every n-th call holds a real WebRTC connection; 0: none. */
  webrtcEvery: z.number().int().nonnegative().default(5),
  /** Both peers of a call carry `?room=` (for `STICKY_KEY=room`) and so may share a replica. */
  roomKey: z.boolean().default(false),
  /** Makes mix and pacing repeatable. */
  seed: z.number().int().default(1),
  /** Off: peers do not join again after a reconnect (a drill's negative control). */
  rejoin: z.boolean().default(true),
});
export type CallsRequest = z.infer<typeof CallsRequest>;

/** What callers can tell of an application. An expectation that needs more is not applicable. */
export interface Capabilities {
  /** Peers of a call send each other signals, which can be numbered and counted. */
  signals: boolean;
  /** The signals can set up a WebRTC connection. */
  media: boolean;
}

/** Percentiles of one measure over a window, in ms; zeros where `count` is 0. */
export interface Percentiles {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface CallerPeer {
  /** Index of the call in its run, from 0. */
  call: number;
  side: "a" | "b";
  peerId: string | null;
  /** Replica that the peer is joined on; null while it is not. */
  node: string | null;
  state: "connecting" | "joined" | "reconnecting" | "ended";
  transports: "default" | "websocket" | "polling";
  cookies: boolean;
  /** Sockets that this peer lost so far: 0 for a survivor. */
  socketsLost: number;
  /** Attempts to connect that failed so far. */
  connectFailures: number;
  /** Epoch ms of the moments when it lost a socket and when it was joined again (null: not yet). */
  outages: { at: number; backAt: number | null; from: string | null; to: string | null }[];
}

/** What the caller counted in one second. */
export interface CallsSecond {
  /** Epoch ms of the second's start. */
  at: number;
  peersByNode: Record<string, number>;
  reconnecting: number;
  sent: number;
  received: number;
  /** Signals known lost in this second: acknowledged, addressee joined, and not received within 5 s. */
  lost: number;
  /** Reconnects that ended in this second, each in ms. */
  reconnectsMs: number[];
  localMs: Percentiles;
  remoteMs: Percentiles;
}

/**
 * `GET /calls/:run?since=<epoch ms>&until=<epoch ms>`: counts, percentiles and `timeline` over what happened in that
 * window (the whole run when left out); `peers` and `calls` as they are now.
 */
export interface CallsReport {
  run: string;
  capabilities: Capabilities;
  /** Epoch ms. */
  startedAt: number;
  calls: { wanted: number; started: number; established: number; failed: number };
  peers: CallerPeer[];
  signals: {
    sent: number;
    /** Acknowledged `ok` with nobody away. */
    acknowledged: number;
    received: number;
    duplicated: number;
    outOfOrder: number;
    /**
     * Acknowledged and never received, although not resent: counted once 5 s have passed. A signal whose addressee was
     * away is not lost: the sender sends it again on `peer-joined`, under the same number.
     */
    lost: number;
    /** Of these, sent after both peers of the call were joined again: must be 0 after any outage. */
    lostAfterRejoin: number;
    /** Received more than 1 s after its last send: stale. */
    stale: number;
    refused: Record<string, number>;
  };
  setupMs: Percentiles;
  /** One-way, by the senders' clock (one process). `local`: both peers on one replica. */
  latencyMs: { local: Percentiles; remote: Percentiles };
  /** From the loss of the socket to the join ack. */
  reconnectMs: Percentiles;
  /** How long the connections that were lost had been open. */
  sessionAgeMs: Percentiles;
  /** Attempts to connect that failed. */
  connectFailures: number;
  media: {
    /** Calls that hold a WebRTC connection now. */
    connected: number;
    /** Gaps of over 1 s between received media messages (20 a second), or a connection that left `connected`. */
    interruptions: number;
    longestGapMs: number;
  };
  timeline: CallsSecond[];
}

/** `POST /alerts` keeps what Alertmanager sent; `GET /alerts` lists it, newest last. */
export interface ReceivedAlert {
  /** Epoch ms of reception. */
  at: number;
  status: "firing" | "resolved";
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}
