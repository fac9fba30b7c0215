import type { Refused } from "../../common/protocol.ts";
import type { SignalingOptions } from "../signaling-contract.ts";
import { createAddresses } from "./addresses.ts";
import { keepCookies } from "./keep-cookies.ts";
import { watchNetwork } from "./network.ts";
import { openSocket, pointTo } from "./open-socket.ts";
import { createPace } from "./pace.ts";
import { createTokenSource } from "./token-source.ts";
import { createTransportLimit } from "./transport-limit.ts";

/** Time-out of a connect and of an ack, ms. After it the connection is closed. */
export const ackWithinMs = 5_000;
/** On a change of network an attempt to connect older than this is started again, ms. */
const freshAttemptMs = 1_000;

export interface ConnectionEvents {
  /** A socket is connected: join now. */
  onOpen(): void;
  /** The socket is lost, and a reconnect is under way. `details` come from Socket.IO. */
  onLost(reason: string, details: unknown): void;
  /** Refused for good. */
  onRefused(error: Refused["error"]): void;
  /** The network may have changed under an open socket: check that it still answers. */
  onNetworkChange(): void;
  /** The first address is well again: give this connection up for one there. */
  onBetterAddress(): void;
  /** The application's function gave no token. It is called again later. */
  onTokenFailure(message: string): void;
}

/**
 * A Socket.IO socket that reconnects with full jitter, a fresh token and the sticky cookie, until it is refused for
 * good or closed.
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
  const addresses = createAddresses(options, { random, comeBack: tell.onBetterAddress });
  const socket = openSocket(options, addresses.current(), ackWithinMs, () => token);
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
    pointTo(socket, addresses.current(), options.cookies);
    socket.connect();
    limit.watch(socket.io);
    cookies?.after();
  }

  /** Only one attempt at a time: a second one would make a second socket on the replica. */
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

  function notLasting(): void {
    pace.lost();
    addresses.lost();
    if (pace.fruitless() > 1) addresses.failed();
  }

  /**
   * Closes the connection and opens another, because its replica does not serve this client, or a better address does.
   *
   * @param waitMs the wait that the server asked for; without it the reconnect is immediate, or follows a pause if
   *   the last connections were lost soon
   */
  function moveOn(waitMs?: number): void {
    notLasting();
    socket.disconnect();
    if (waitMs !== undefined) openLater(spread(waitMs));
    else openLater(pace.fruitless() === 0 ? 0 : undefined);
  }

  /** The wait is never shorter than the server asked for, or all its clients would come back at once. */
  const spread = (waitMs: number) => waitMs * (1 + random() / 2);

  socket.on("connect", () => {
    if (!closed) tell.onOpen();
  });
  socket.on("connect_error", (error: Error & { data?: Partial<Refused["error"]> }) => {
    if (closed) return;
    const { code, message = error.message, retryAfterMs } = error.data ?? {};
    // A server that says why it refuses is well.
    if (error.data === undefined) addresses.failed();
    if (typeof retryAfterMs === "number") openLater(spread(retryAfterMs));
    else if (code === "unauthorized" && !tokens.refused()) tell.onRefused({ code, message });
    else openLater();
  });
  socket.on("disconnect", (reason, details) => {
    // The client closed the socket itself and has already chosen the next step.
    if (closed || reason === "io client disconnect") return;
    notLasting();
    tell.onLost(reason, details);
    openLater();
  });

  return {
    socket,
    open,
    /** Largest transport message that the server accepts, bytes. */
    maxMessageBytes: limit.maxBytes,
    /** True if the last two connections were each lost soon after their join. */
    keepsFailing: () => pace.fruitless() > 1,
    joined(): void {
      pace.joined();
      addresses.joined();
      tokens.accepted();
    },
    /** Address of this connection, or of the next one. */
    address: addresses.current,
    /** True if a retry makes sense after the token was refused on an open connection. */
    mayAskForToken: tokens.refused,
    moveOn,
    /** For good. @param afterMs the socket itself is closed so much later, ms */
    close(afterMs = 0): void {
      closed = true;
      clearTimeout(pause);
      unwatch();
      addresses.lost();
      if (afterMs === 0) {
        socket.disconnect();
        return;
      }
      // It is over for the application: nothing more is told of what still arrives.
      socket.off();
      setTimeout(() => socket.disconnect(), afterMs);
    },
  };
}
