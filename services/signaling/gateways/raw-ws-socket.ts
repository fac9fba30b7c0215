import type { RawData, WebSocket } from "ws";
import type { ErrorCode, ServerFrame, ServerToClientEvents } from "../../../common/protocol.ts";
import type { Incoming } from "./raw-ws-frame.ts";
import { parseFrame, writeFrame } from "./raw-ws-frame.ts";

/** A ping unanswered this often in a row closes the connection. */
const pingsMissed = 2;
/** A closing handshake may take this long, ms. */
const closeWithinMs = 10_000;

/** WebSocket close codes that the gateway uses (RFC 6455 section 7.4; from 4000 on they are the application's). */
export const CLOSE = { restart: 1012, slow: 1013, stayAway: 4000 } as const;

/**
 * One raw WebSocket: frames in and out, a heartbeat, and a bounded send buffer. A consumer that reads more slowly than
 * it is sent to is closed with 1013: nothing is held for it without end.
 */
export function createRawSocket(
  socket: WebSocket,
  options: {
    pingMs: number;
    maxBufferedBytes: number;
    onFrame: (frame: Incoming) => void;
    /** A frame that is none, so that it can be counted and limited like one. */
    onGarbage: () => void;
    /** Once, as soon as it is of no use any more; `reason` is a metric's label. */
    onClose: (reason: string) => void;
  },
) {
  let missed = 0;
  let closed = false;

  function finish(reason: string): void {
    if (closed) return;
    closed = true;
    clearInterval(heartbeat);
    options.onClose(reason);
  }

  function close(code: number, reason: string): void {
    finish(reason);
    socket.close(code, reason);
    // The other side may never answer, or never read what is before the close frame.
    setTimeout(() => socket.terminate(), closeWithinMs).unref();
  }

  function write(text: string): void {
    if (closed || socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount + text.length > options.maxBufferedBytes) close(CLOSE.slow, "slow-consumer");
    else socket.send(text);
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
  // Always followed by `close`; a frame over the limit ends here (1009), as does a broken one (1002, 1007).
  let failure: string | undefined;
  socket.on("error", (error: Error & { code?: string }) => {
    failure = error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "too-large" : "transport-error";
  });
  socket.on("close", () => finish(failure ?? "transport-close"));
  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (closed) return;
    const frame = isBinary ? null : parseFrame(data.toString());
    if (frame === null) options.onGarbage();
    else options.onFrame(frame);
  });

  return {
    /** Sends the text of a frame, which several sockets may share. */
    write,
    send: (event: keyof ServerToClientEvents, data: unknown) => write(writeFrame({ event, data })),
    ack: (id: number, ack: unknown) => write(writeFrame({ id, ack } satisfies ServerFrame)),
    report: (event: string, code: ErrorCode, message: string) =>
      write(writeFrame({ event: "error-report", data: { event, code, message } })),
    close,
  };
}

export type RawSocket = ReturnType<typeof createRawSocket>;
