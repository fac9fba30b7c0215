import type { Refused } from "../../common/protocol.ts";
import type { SignalingOptions } from "../signaling-contract.ts";
import { keepCookies } from "./keep-cookies.ts";
import { watchNetwork } from "./network.ts";
import { openSocket } from "./open-socket.ts";
import { createPace } from "./pace.ts";
import { createTokenSource } from "./token-source.ts";
import { createTransportLimit } from "./transport-limit.ts";

/** Connecting, and an ack, may take this long: then the connection is given up, ms. */
export const ackWithinMs = 5_000;
/** An attempt to connect that is older than this is begun anew when the network changed, ms. */
const freshAttemptMs = 1_000;

export interface ConnectionEvents {
  /** A socket is there: join. */
  onOpen(): void;
  /** The socket is gone and another is on its way. `details`: what Socket.IO tells. */
  onLost(reason: string, details: unknown): void;
  /** Refused for good. */
  onRefused(error: Refused["error"]): void;
  /** The network may have changed under an open socket: see whether it still answers. */
  onNetworkChange(): void;
  /** The application's function gave no token; it is asked again later. */
  onTokenFailure(message: string): void;
}

/**
 * A Socket.IO socket that is opened again, with full jitter, a fresh token and the sticky cookie, until it is refused
 * for good or closed.
 */
export function createConnection(options: SignalingOptions, tell: ConnectionEvents) {
  const random = options.random ?? Math.random;
  const pace = createPace(random);
  const tokens = createTokenSource(options.token);
  const limit = createTransportLimit();
  let token: string | undefined;
  let gettingToken = false;
  let closed = false;
  let attemptedAt: number | null = null;
  let pause: ReturnType<typeof setTimeout> | undefined;
  const socket = openSocket(options, ackWithinMs, () => token);
  const cookies = options.cookies === false ? null : keepCookies(socket.io);
  const unwatch = watchNetwork(onNetworkChange, options.network);

  async function open(): Promise<void> {
    clearTimeout(pause);
    pause = undefined;
    gettingToken = true;
    try {
      token = await tokens.fresh();
    } catch (error) {
      if (!closed) tell.onTokenFailure(error instanceof Error ? error.message : String(error));
      gettingToken = false;
      openLater();
      return;
    }
    gettingToken = false;
    if (closed) return;
    attemptedAt = performance.now();
    cookies?.before();
    socket.connect();
    limit.watch(socket.io);
    cookies?.after();
  }

  /** One attempt at a time: a second one on the way makes a second socket on the replica. */
  function openLater(waitMs?: number): void {
    if (closed || gettingToken || pause !== undefined) return;
    pause = setTimeout(() => void open(), waitMs ?? pace.next());
  }

  function onNetworkChange(): void {
    if (closed || gettingToken || attemptedAt === null) return;
    if (socket.connected) tell.onNetworkChange();
    else if (pause !== undefined) void open();
    else if (performance.now() - attemptedAt > freshAttemptMs) {
      socket.disconnect();
      void open();
    }
  }

  /** The server's own words, never undercut: all whom it told so would come back at once. */
  const spread = (waitMs: number) => waitMs * (1 + random() / 2);

  socket.on("connect", () => {
    if (!closed) tell.onOpen();
  });
  socket.on("connect_error", (error: Error & { data?: Partial<Refused["error"]> }) => {
    if (closed) return;
    const { code, message = error.message, retryAfterMs } = error.data ?? {};
    if (typeof retryAfterMs === "number") openLater(spread(retryAfterMs));
    else if (code === "unauthorized" && !tokens.refused()) tell.onRefused({ code, message });
    else openLater();
  });
  socket.on("disconnect", (reason, details) => {
    // The client closed the socket itself, and has decided what comes next.
    if (closed || reason === "io client disconnect") return;
    pace.lost();
    tell.onLost(reason, details);
    openLater();
  });

  return {
    socket,
    open,
    /** Largest transport message that the server takes, bytes. */
    maxMessageBytes: limit.maxBytes,
    /** Whether the last connection was lost soon after its join, as the one before it. */
    keepsFailing: () => pace.fruitless() > 1,
    joined(): void {
      pace.joined();
      tokens.accepted();
    },
    /** Whether to try again after the token was refused on an open connection. */
    mayAskForToken: tokens.refused,
    /**
     * Gives the connection up and opens another, because the replica behind it does not serve this client.
     *
     * @param waitMs that the server asked for; without it at once, or after a pause where the last ones were lost soon
     */
    moveOn(waitMs?: number): void {
      pace.lost();
      socket.disconnect();
      if (waitMs !== undefined) openLater(spread(waitMs));
      else openLater(pace.fruitless() === 0 ? 0 : undefined);
    },
    /** For good. */
    close(): void {
      closed = true;
      clearTimeout(pause);
      unwatch();
      socket.disconnect();
    },
  };
}
