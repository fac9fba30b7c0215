import {
  type DeliveredSignal,
  type ErrorReport,
  type JoinAck,
  type Joined,
  type LeaveAck,
  type PeerAway,
  type PeerJoined,
  type PeerLeft,
  RAW_WS_PATH,
  RAW_WS_SUBPROTOCOL,
  RELAYED,
  type RelayAck,
  type RelayEvent,
  type Signal,
} from "../common/protocol.ts";
import { backoffMs } from "./backoff.ts";
import { createEvents } from "./events.ts";
import { createRepeats } from "./repeats.ts";

/** An ack that takes longer has failed: the connection is given up, ms. */
const ackWithinMs = 5_000;
/** From here on a close code means: stay away. */
const stayAwayCode = 4000;

export interface RawWsOptions {
  /** Where the proxy is: `https://calls.example.com`; `wss:` and `ws:` do too. */
  url: string;
  /** JWT, or what gets a fresh one for each connection. It travels as a subprotocol, never in the URL. */
  token?: string | (() => string | Promise<string>);
  /** In [0, 1); for repeatable tests. */
  random?: () => number;
}

/** What a raw client tells. */
export interface RawWsEvents {
  /** In the room, for the first time or again. */
  joined: Joined;
  /** The socket is gone; a reconnect is under way. */
  lost: { code: number };
  /** A signal, once. */
  signal: DeliveredSignal & { event: RelayEvent };
  "peer-joined": PeerJoined;
  "peer-away": PeerAway;
  "peer-left": PeerLeft;
  draining: { reconnectInMs: number };
  "error-report": ErrorReport;
  /** Over: `closed` by us, `superseded` or refused for good. */
  ended: { reason: "closed" | "superseded" | "refused"; code?: string };
}

/**
 * One peer in one room over `/ws`, with the platform's own WebSocket (browsers, Node 22 and later): joins again with
 * `resume` after every reconnect, with full jitter, and drops repeats. It keeps no outbox: a `send` while the socket
 * is gone rejects.
 */
export function createRawWsClient(options: RawWsOptions) {
  const random = options.random ?? Math.random;
  const events = createEvents<RawWsEvents>();
  const repeats = createRepeats();
  const waiting = new Map<number, { resolve: (ack: never) => void; reject: (error: Error) => void }>();
  let socket: WebSocket | undefined;
  let roomId = "";
  let resume: string | undefined;
  let nextId = 0;
  let attempt = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  async function connect(): Promise<void> {
    const token = typeof options.token === "function" ? await options.token() : options.token;
    if (ended) return;
    const url = new URL(RAW_WS_PATH, options.url.replace(/^http/, "ws"));
    const bearer = token === undefined ? [] : [`bearer.${token}`];
    const opening = new WebSocket(url, [RAW_WS_SUBPROTOCOL, ...bearer]);
    socket = opening;
    opening.addEventListener("open", () => {
      ask<JoinAck>("join", { roomId, ...(resume === undefined ? {} : { resume }) }).then(joined, () => opening.close());
    });
    opening.addEventListener("message", ({ data }) => receive(String(data)));
    opening.addEventListener("close", ({ code }) => lost(code));
  }

  function joined(ack: JoinAck): void {
    if (ack.ok) {
      attempt = 0;
      resume = ack.resume;
      events.emit("joined", ack);
    } else if (ack.error.retryAfterMs !== undefined) socket?.close();
    else end("refused", ack.error.code);
  }

  function lost(code: number): void {
    for (const { reject } of waiting.values()) reject(new Error(`connection closed (${code})`));
    waiting.clear();
    socket = undefined;
    if (ended) return;
    if (code >= stayAwayCode) {
      end("refused", String(code));
      return;
    }
    events.emit("lost", { code });
    retryLater();
  }

  function retryLater(): void {
    retry = setTimeout(
      () => {
        connect().catch((error: unknown) => {
          events.emit("error-report", { event: "token", code: "unauthorized", message: String(error) });
          if (!ended) retryLater();
        });
      },
      backoffMs(attempt, random),
    );
    attempt += 1;
  }

  function receive(text: string): void {
    const frame = JSON.parse(text) as { id: number; ack: never } | { event: string; data: never };
    if ("ack" in frame) {
      waiting.get(frame.id)?.resolve(frame.ack);
      waiting.delete(frame.id);
    } else if (frame.event === "superseded") end("superseded");
    else if ((RELAYED as readonly string[]).includes(frame.event)) {
      const signal: DeliveredSignal = frame.data;
      if (!repeats.seen(signal)) events.emit("signal", { ...signal, event: frame.event as RelayEvent });
    } else events.emit(frame.event as "peer-joined", frame.data);
  }

  function ask<T>(event: string, data: unknown): Promise<T> {
    const open = socket;
    if (open === undefined || open.readyState !== WebSocket.OPEN) return Promise.reject(new Error("not connected"));
    nextId += 1;
    const id = nextId;
    open.send(JSON.stringify({ event, data, id }));
    return new Promise<T>((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(`no ack of ${event} within ${ackWithinMs} ms`));
        open.close();
      }, ackWithinMs);
      const settled =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          clearTimeout(late);
          settle(value);
        };
      waiting.set(id, { resolve: settled<never>(resolve), reject: settled(reject) });
    });
  }

  function end(reason: RawWsEvents["ended"]["reason"], code?: string): void {
    if (ended) return;
    ended = true;
    clearTimeout(retry);
    socket?.close();
    events.emit("ended", { reason, ...(code === undefined ? {} : { code }) });
  }

  return {
    on: events.on,
    /** Connects and joins. What comes of it is told by `joined` or `ended`. */
    join(room: string): void {
      if (roomId !== "") throw new Error("already joined: one client is one peer in one room");
      roomId = room;
      connect().catch((error: unknown) => end("refused", String(error)));
    },
    /** Sends a signal to the room, or to the peer that `to` names; rejects when the connection is lost before its ack. */
    send: (event: RelayEvent, signal: Omit<Signal, "roomId">): Promise<RelayAck> => ask(event, { ...signal, roomId }),
    leave: (): Promise<LeaveAck> => ask("leave", { roomId }),
    /** Closes for good. */
    close: (): void => end("closed"),
  };
}

export type RawWsClient = ReturnType<typeof createRawWsClient>;
