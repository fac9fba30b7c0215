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
  /** Address of the proxy, `https://calls.example.com`, with the path prefix that a proxy in front adds. */
  url?: string;
  /**
   * Several such addresses in place of `url`, the best first. If a connection fails, the next address follows after a
   * pause of full jitter. The client returns to the first one once that is well. It has one socket at a time.
   */
  urls?: readonly string[];
  /** `default` starts with long-polling and upgrades to WebSocket; the others use one transport alone. */
  transports?: "default" | "websocket" | "polling";
  /**
   * Send and store cookies, including the sticky one. Default: true, except for a page of another origin, because its
   * browser would then block every answer of a server that allows any origin.
   */
  cookies?: boolean;
  /** More query parameters of the connection: `{room}` for `STICKY_KEY=room`. */
  query?: Record<string, string>;
  /**
   * A JWT, or a function that returns a fresh one for each connection. The function is called once more after a refused
   * token.
   */
  token?: string | (() => string | Promise<string>);
  /** Join again after a reconnect. On by default; a drill switches it off as its control. */
  rejoin?: boolean;
  /** In [0, 1); for repeatable tests. */
  random?: () => number;
  /** Event target whose `online` event reports a change of network; default: the page's window. */
  network?: EventTarget;
}

export type SignalingState = "idle" | "joining" | "joined" | "lost" | "ended";

/** Events of a signaling client. Times are epoch ms. */
export interface SignalingEvents {
  state: SignalingState;
  /**
   * In the room, for the first time or again. `outageMs` is the time since the loss of the socket; null for the first
   * join.
   */
  joined: Joined & { outageMs: number | null };
  /** The socket is lost; a reconnect is under way. */
  lost: { at: number; node: string | null; reason: string };
  /** A signal. Each arrives once. */
  signal: DeliveredSignal & { event: RelayEvent };
  /** A signal was sent. `attempt` counts from 1. */
  emitted: { event: RelayEvent; signal: Signal; attempt: number };
  /** Follows a `joined` with `settled: false`: every signal of the room arrives from now on. */
  settled: Settled;
  "peer-joined": PeerJoined;
  "peer-away": PeerAway;
  "peer-left": PeerLeft;
  "error-report": ErrorReport;
  /**
   * The client has ended: `closed` by `close()`, `superseded` by a newer connection of the same peer, or refused for
   * good.
   */
  ended: { reason: "closed" | "superseded" | "refused"; error?: Refused["error"] };
}
