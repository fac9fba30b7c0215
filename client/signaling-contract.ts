import type {
  DeliveredSignal,
  ErrorReport,
  Joined,
  PeerAway,
  PeerJoined,
  PeerLeft,
  Refused,
  RelayEvent,
  Settled,
  Signal,
} from "../common/protocol.ts";

export interface SignalingOptions {
  /** Where the proxy is: `https://calls.example.com`; with the path prefix that a proxy in front gives it. */
  url: string;
  /** `default`: long-polling first, then upgraded; or one of the two alone. */
  transports?: "default" | "websocket" | "polling";
  /**
   * Send and keep cookies, the sticky one too. Without it: yes, but for a page of another origin, whose browser then
   * would take no answer from a server that allows any origin.
   */
  cookies?: boolean;
  /** More query parameters of the connection: `{room}` for `STICKY_KEY=room`. */
  query?: Record<string, string>;
  /**
   * A JWT, or a function that gets a fresh one for each connection. It is asked once more when its token was refused.
   */
  token?: string | (() => string | Promise<string>);
  /** Join again after a reconnect. On by default; a drill switches it off as its control. */
  rejoin?: boolean;
  /** In [0, 1); for repeatable tests. */
  random?: () => number;
  /** Tells by `online` that the network changed; without it the page's window. */
  network?: EventTarget;
}

export type SignalingState = "idle" | "joining" | "joined" | "lost" | "ended";

/** What a signaling client tells. Times are epoch ms. */
export interface SignalingEvents {
  state: SignalingState;
  /** In the room (again). `outageMs`: from the loss of the socket; null for the first join. */
  joined: Joined & { outageMs: number | null };
  /** The socket is gone; a reconnect is under way. */
  lost: { at: number; node: string | null; reason: string };
  /** A signal, once. */
  signal: DeliveredSignal & { event: RelayEvent };
  /** A signal was put on the wire, `attempt` from 1. */
  emitted: { event: RelayEvent; signal: Signal; attempt: number };
  /** Follows a `joined` with `settled: false`: every signal of the room arrives from now on. */
  settled: Settled;
  "peer-joined": PeerJoined;
  "peer-away": PeerAway;
  "peer-left": PeerLeft;
  "error-report": ErrorReport;
  /** Over: `closed` by us, `superseded` by a newer connection of the same peer, or refused for good. */
  ended: { reason: "closed" | "superseded" | "refused"; error?: Refused["error"] };
}
