import { randomBytes } from "node:crypto";
import { z } from "zod";

/** Choose the id first, so that a failed start can still be ended. */
export const newRunId = (): string => `run-${randomBytes(4).toString("hex")}`;

/** `POST /calls` of the caller: a run of synthetic calls with two peers each. */
export const CallsRequest = z.object({
  /** Id of the run; without it the caller chooses one. */
  run: z
    .string()
    .regex(/^run-[0-9a-f]{8}$/)
    .default(newRunId),
  /** Calls to hold, two peers each. */
  calls: z.number().int().min(1).max(2_000),
  /** Calls started per second. */
  rate: z.number().positive().max(500).default(20),
  /** Numbered signals that each peer sends per second while its call is set up. */
  signalsPerSecond: z.number().positive().max(100).default(5),
  /** Relative weights of the transports. Each peer draws one with the seed. */
  mix: z
    .object({
      /** Starts with polling and upgrades, Socket.IO's default. */
      default: z.number().nonnegative().default(1),
      websocket: z.number().nonnegative().default(2),
      polling: z.number().nonnegative().default(1),
      /** Share of peers without cookies, 0..1; default: the caller's `PEER_COOKIELESS`. */
      cookieless: z.number().min(0).max(1).optional(),
    })
    .prefault({}),
  /** Every n-th call holds a real WebRTC connection; 0: none. */
  webrtcEvery: z.number().int().nonnegative().default(5),
  /** Both peers of a call send `?room=` (for `STICKY_KEY=room`) and so may share a replica. */
  roomKey: z.boolean().default(false),
  /** Makes mix and pacing repeatable. */
  seed: z.number().int().default(1),
  /** False: peers do not join again after a reconnect (a drill's negative control). */
  rejoin: z.boolean().default(true),
  /** Number of addresses that peers know, of those that the caller has, the best first; default: all. */
  addresses: z.number().int().positive().optional(),
});
export type CallsRequest = z.infer<typeof CallsRequest>;

/** What callers can measure with an application. An expectation that needs more is not applicable. */
export interface Capabilities {
  /** Peers of a call send each other signals, which can be numbered and counted. */
  signals: boolean;
  /** The signals can set up a WebRTC connection. */
  media: boolean;
}

/** Percentiles of one measure over a window, in ms; zeros if `count` is 0. */
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
  /** Replica on which the peer is joined; null while it is not joined. */
  node: string | null;
  state: "connecting" | "joined" | "reconnecting" | "ended";
  transports: "default" | "websocket" | "polling";
  cookies: boolean;
  /** Number of sockets that this peer has lost. */
  socketsLost: number;
  /** Number of failed attempts to connect. */
  connectFailures: number;
  /** Epoch ms of each loss of a socket and of the next join (null: not joined yet), and the client's reason. */
  outages: { at: number; backAt: number | null; from: string | null; to: string | null; reason?: string | undefined }[];
}

/** The counts of one second. */
export interface CallsSecond {
  /** Epoch ms of the second's start. */
  at: number;
  peersByNode: Record<string, number>;
  reconnecting: number;
  sent: number;
  received: number;
  /** Signals found lost in this second: acknowledged, with the addressee joined, and not received within 5 s. */
  lost: number;
  /** Reconnects that ended in this second, each in ms. */
  reconnectsMs: number[];
  localMs: Percentiles;
  remoteMs: Percentiles;
}

/**
 * `GET /calls/:run?since=<epoch ms>&until=<epoch ms>`: counts, percentiles and `timeline` of that window (default: the
 * whole run); `peers` and `calls` are the current ones.
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
    /** Acknowledged with `ok` and an empty `away`. */
    acknowledged: number;
    received: number;
    duplicated: number;
    outOfOrder: number;
    /**
     * Acknowledged, not sent again, and not received within 5 s. A signal whose addressee was away is not lost: the
     * sender sends it again on `peer-joined`, with the same number.
     */
    lost: number;
    /** Those of them sent after both peers of the call had joined again. Must be 0 after any outage. */
    lostAfterRejoin: number;
    /** Received more than 1 s after its last send: stale. */
    stale: number;
    refused: Record<string, number>;
  };
  setupMs: Percentiles;
  /** One-way latency; both clocks are of one process. `local` means that both peers are on one replica. */
  latencyMs: { local: Percentiles; remote: Percentiles };
  /** From the loss of the socket to the join ack. */
  reconnectMs: Percentiles;
  /** Time for which the lost connections had been open. */
  sessionAgeMs: Percentiles;
  /** Attempts to connect that failed. */
  connectFailures: number;
  media: {
    /** Calls that currently hold a WebRTC connection. */
    connected: number;
    /** Gaps of over 1 s between received media messages (20 a second), or a connection that left `connected`. */
    interruptions: number;
    longestGapMs: number;
  };
  timeline: CallsSecond[];
}

/** `POST /alerts` stores Alertmanager's alerts; `GET /alerts` lists them, newest last. */
export interface ReceivedAlert {
  /** Epoch ms of reception. */
  at: number;
  status: "firing" | "resolved";
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}
