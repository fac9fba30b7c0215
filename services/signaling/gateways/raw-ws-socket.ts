import type { RawData, WebSocket } from "ws";
import type { ErrorCode, ServerFrame, ServerToClientEvents } from "../../../common/protocol.ts";
import type { Ledger } from "../intake/ledger.ts";
import { costOf, type Limits } from "../intake/limits.ts";
import { Pace } from "../intake/pace.ts";
import type { Turns } from "../intake/turns.ts";
import { paceControlFrames } from "../intake/web-socket-bounds.ts";
import { batchWrites } from "../outgoing/write-batch.ts";
import { closesWithinMs } from "./connection.ts";
import type { Incoming } from "./raw-ws-frame.ts";
import { parseFrame, writeFrame } from "./raw-ws-frame.ts";

/** Number of pings without a pong in a row that closes the connection. */
const pingsMissed = 2;
/** Fewer unread bytes than this are not entered on the ledger. */
const smallBytes = 4_096;

/** WebSocket close codes that the gateway uses (RFC 6455 section 7.4; from 4000 on they are the application's). */
export const CLOSE = { restart: 1012, slow: 1013, stayAway: 4000 } as const;

/**
 * One raw WebSocket: frames in, at the pace that its limits allow, and out; a heartbeat; a bounded send buffer. A slow
 * consumer is closed with 1013, so that its unread data stays bounded.
 */
export function createRawSocket(
  socket: WebSocket,
  options: {
    pingMs: number;
    maxBufferedBytes: number;
    limits: Limits;
    perSecond: number;
    maxEventBytes: number;
    /** The unfinished input and the unread output of all connections. */
    unfinished: Ledger;
    unread: Ledger;
    /** Turns of the event loop, shared by all connections. */
    turns: Turns;
    onFrame: (frame: Incoming) => void;
    /** Called when a frame was refused before its delivery. */
    onRefused: (event: string, code: ErrorCode) => void;
    /** Called once, as soon as the socket is of no use. `reason` is a metric's label. */
    onClose: (reason: string) => void;
  },
) {
  const { limits, perSecond } = options;
  let missed = 0;
  let closed = false;
  const unread = { evict: () => close(CLOSE.slow, "slow-consumer") };
  const reader = {
    handle,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    evict: () => close(CLOSE.slow, "too-much-unfinished"),
    drop: () => socket.terminate(),
  };
  const pace = new Pace<Buffer | string>(reader, options.unfinished, { perSecond, turns: options.turns, limits });

  function finish(reason: string): void {
    if (closed) return;
    closed = true;
    clearInterval(heartbeat);
    options.unread.enter(unread, 0);
    pace.close();
    limits.close();
    options.onClose(reason);
  }

  function close(code: number, reason: string): void {
    finish(reason);
    socket.close(code, reason);
    // The other side may never answer, or never read up to the close frame.
    setTimeout(() => socket.terminate(), closesWithinMs).unref();
  }

  function write(text: string): void {
    if (closed || socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount + text.length > options.maxBufferedBytes) {
      close(CLOSE.slow, "slow-consumer");
      return;
    }
    batchWrites(socket);
    socket.send(text, enterUnread);
    enterUnread();
  }
  function enterUnread(): void {
    if (closed) return;
    const { bufferedAmount } = socket;
    options.unread.enter(unread, bufferedAmount < smallBytes ? 0 : bufferedAmount);
  }

  function report(event: string, code: ErrorCode, message: string): void {
    write(writeFrame({ event: "error-report", data: { event, code, message } }));
  }

  /** Only text is a frame. */
  function handle(message: Buffer | string): void {
    const cost = costOf(message, options.maxEventBytes);
    pace.spent(cost);
    const isWithin = limits.take(cost);
    const frame = typeof message === "string" ? parseFrame(message) : null;
    if (isWithin && frame !== null) {
      options.onFrame(frame);
      return;
    }
    const code = isWithin ? "invalid" : "rate-limited";
    options.onRefused(frame?.event ?? "", code);
    if (frame === null && !isWithin) pace.refused("silent", cost);
    else if (frame === null) report("frame", code, notAFrame);
    else {
      const refusal = limits.refusal();
      if (frame.id === undefined) report(frame.event, code, refusal);
      else write(writeFrame({ id: frame.id, ack: { ok: false, error: { code, message: refusal } } }));
      pace.refused("answered", cost);
    }
  }

  const heartbeat = setInterval(() => {
    if (missed >= pingsMissed) {
      finish("ping-timeout");
      socket.terminate();
      return;
    }
    missed += 1;
    socket.ping();
  }, options.pingMs);

  socket.on("pong", () => {
    missed = 0;
  });
  paceControlFrames(socket, { limits, pace });
  // Always followed by `close`; a frame over the limit ends here (1009), as does a broken one (1002, 1007).
  let failure: string | undefined;
  socket.on("error", (error: Error & { code?: string }) => {
    failure = error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "too-large" : "transport-error";
  });
  socket.on("close", () => finish(failure ?? "transport-close"));
  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (!closed) pace.offer(isBinary ? (data as Buffer) : data.toString());
  });

  return {
    pace,
    /** Sends the text of a frame. Several sockets may share it. */
    write,
    send: (event: keyof ServerToClientEvents, data: unknown) => write(writeFrame({ event, data })),
    ack: (id: number, ack: unknown) => write(writeFrame({ id, ack } satisfies ServerFrame)),
    report,
    close,
  };
}

const notAFrame = 'a frame is a JSON text like {"event":"join","data":{"roomId":"…"},"id":1}';

export type RawSocket = ReturnType<typeof createRawSocket>;
