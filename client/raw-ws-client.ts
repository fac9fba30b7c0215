import type {
  DeliveredSignal,
  ErrorReport,
  JoinAck,
  Joined,
  LeaveAck,
  PeerAway,
  PeerJoined,
  PeerLeft,
  RelayAck,
  RelayEvent,
  Settled,
  Signal,
} from "../common/protocol.ts";
import { RAW_WS_PATH, RAW_WS_SUBPROTOCOL, RELAYED } from "../common/protocol-names.ts";
import { createAddresses } from "./connecting/addresses.ts";
import { watchNetwork } from "./connecting/network.ts";
import { createPace } from "./connecting/pace.ts";
import { openRawConnection, type RawConnection, type RawEvent } from "./connecting/raw-ws-connection.ts";
import { createTokenSource } from "./connecting/token-source.ts";
import { createEvents } from "./events.ts";
import { createRepeats } from "./sending/repeats.ts";

/** After a change of network, a socket without an ack for this time belongs to the old network, ms. */
const probeWithinMs = 2_000;
/** From this close code on the client must not reconnect. */
const stayAwayCode = 4000;

export interface RawWsOptions {
  /**
   * Address of the proxy, with its path prefix if it has one: `https://calls.example.com`; `wss:` and `ws:` also work.
   */
  url?: string;
  /** Several such addresses in place of `url`, the best first, as the Socket.IO client takes them. */
  urls?: readonly string[];
  /**
   * A JWT, or a function that returns a fresh one for each connection. It travels as a subprotocol, never in the URL.
   */
  token?: string | (() => string | Promise<string>);
  /**
   * Largest frame, bytes. It must match the server's `MAX_MESSAGE_BYTES`, which a WebSocket handshake does not contain.
   * Default 262,144.
   */
  maxMessageBytes?: number;
  /** In [0, 1); for repeatable tests. */
  random?: () => number;
  /** Event target whose `online` event reports a change of network; default: the page's window. */
  network?: EventTarget;
}

/** Events of a raw client. */
export interface RawWsEvents {
  /** In the room, for the first time or again. */
  joined: Joined;
  /** The socket is lost; a reconnect is under way. */
  lost: { code: number };
  /** A signal. Each arrives once. */
  signal: DeliveredSignal & { event: RelayEvent };
  /** Follows a `joined` with `settled: false`: every signal of the room arrives from now on. */
  settled: Settled;
  "peer-joined": PeerJoined;
  "peer-away": PeerAway;
  "peer-left": PeerLeft;
  draining: { reconnectInMs: number };
  "error-report": ErrorReport;
  /** The client has ended: `closed` by `close()`, `superseded`, or refused for good. */
  ended: { reason: "closed" | "superseded" | "refused"; code?: string };
}

/**
 * One peer in one room over `/ws`, with the platform's own WebSocket (browsers, Node 22 and later): it joins again with
 * `resume` after every reconnect, with full jitter and a fresh token, and drops repeats. It has no outbox: `send`
 * rejects while there is no socket.
 *
 * @throws TypeError if there is no address, or one is not a URL
 */
export function createRawWsClient(options: RawWsOptions) {
  const { maxMessageBytes = 262_144, random = Math.random } = options;
  const addresses = createAddresses(options, { random, comeBack: () => connection?.close() });
  const events = createEvents<RawWsEvents>();
  const repeats = createRepeats();
  const pace = createPace(random);
  const tokens = createTokenSource(options.token);
  let connection: RawConnection | undefined;
  let roomId = "";
  let resume: string | undefined;
  let pause: ReturnType<typeof setTimeout> | undefined;
  /** The token of this connection has expired, or does not allow this room. Another token may. */
  let wantsToken = false;
  /** The wait that the server asked for, ms. */
  let waitMs: number | undefined;
  let ended = false;
  /** True once the connection is open. */
  let opened = false;
  const unwatch = watchNetwork(onNetworkChange, options.network);

  async function connect(): Promise<void> {
    clearTimeout(pause);
    pause = undefined;
    try {
      const token = await tokens.fresh();
      if (!ended) open(token === undefined ? [] : [`bearer.${token}`]);
    } catch (error) {
      // The application gave no token, or one with characters that a subprotocol cannot have.
      events.emit("error-report", { event: "token", code: "unauthorized", message: String(error) });
      connectLater();
    }
  }

  function open(bearer: string[]): void {
    const { origin, prefix } = addresses.current();
    opened = false;
    const url = `${origin.replace(/^http/, "ws")}${prefix}${RAW_WS_PATH}`;
    connection = openRawConnection(url, [RAW_WS_SUBPROTOCOL, ...bearer], maxMessageBytes, {
      onOpen: join,
      onEvent: receive,
      onClose: lost,
    });
  }

  function join(): void {
    opened = true;
    // A rejection means that the connection has ended. Another follows.
    connection?.ask<JoinAck>("join", { roomId, ...(resume === undefined ? {} : { resume }) }).then(joined, ignore);
  }

  function joined(ack: JoinAck): void {
    if (ack.ok) {
      pace.joined();
      addresses.joined();
      tokens.accepted();
      resume = ack.resume;
      events.emit("joined", ack);
      return;
    }
    const { code, retryAfterMs } = ack.error;
    if (retryAfterMs !== undefined) waitMs = retryAfterMs;
    else if (code === "unauthorized" && tokens.refused()) wantsToken = true;
    else end("refused", code);
    connection?.close();
  }

  function lost(code: number): void {
    connection = undefined;
    if (ended) return;
    if (code >= stayAwayCode && !wantsToken) {
      end("refused", String(code));
      return;
    }
    wantsToken = false;
    pace.lost();
    addresses.lost();
    if (!opened || pace.fruitless() > 1) addresses.failed();
    events.emit("lost", { code });
    connectLater();
  }

  function connectLater(): void {
    if (ended || pause !== undefined) return;
    // The wait is never shorter than the server asked for, or all its clients would come back at once.
    const ms = waitMs === undefined ? pace.next() : waitMs * (1 + random() / 2);
    waitMs = undefined;
    pause = setTimeout(() => void connect(), ms);
  }

  /** A repeated join of the same room changes nothing. It gets its ack at once, or the connection is dead. */
  function onNetworkChange(): void {
    if (pause !== undefined) void connect();
    else if (connection?.isOpen() === true && resume !== undefined)
      connection.ask("join", { roomId, resume }, probeWithinMs).catch(ignore);
  }

  function receive({ event, data }: RawEvent): void {
    if (event === "superseded") end("superseded");
    else if ((RELAYED as readonly string[]).includes(event)) {
      const signal: DeliveredSignal = data;
      if (!repeats.seen(signal)) events.emit("signal", { ...signal, event: event as RelayEvent });
    } else {
      if (event === "error-report" && (data as ErrorReport).event === "token")
        wantsToken = typeof options.token === "function";
      events.emit(event as "peer-joined", data);
    }
  }

  function end(reason: RawWsEvents["ended"]["reason"], code?: string): void {
    if (ended) return;
    ended = true;
    clearTimeout(pause);
    unwatch();
    addresses.lost();
    connection?.close();
    events.emit("ended", { reason, ...(code === undefined ? {} : { code }) });
  }

  function ask<T>(event: string, data: unknown): Promise<T> {
    return connection?.ask<T>(event, data) ?? Promise.reject(new Error("not connected"));
  }

  return {
    on: events.on,
    /** Connects and joins. `joined` or `ended` reports the result. */
    join(room: string): void {
      if (roomId !== "") throw new Error("already joined: one client is one peer in one room");
      roomId = room;
      void connect();
    },
    /**
     * Sends a signal to the room, or to the peer that `to` names. A signal over `maxMessageBytes` is refused before it
     * is sent. Rejects if the connection is lost before the ack.
     */
    send: (event: RelayEvent, signal: Omit<Signal, "roomId">): Promise<RelayAck> => ask(event, { ...signal, roomId }),
    leave: (): Promise<LeaveAck> => ask("leave", { roomId }),
    /** Closes for good. */
    close: (): void => end("closed"),
  };
}

const ignore = () => undefined;

export type RawWsClient = ReturnType<typeof createRawWsClient>;
