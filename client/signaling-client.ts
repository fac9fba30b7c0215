import { io, type Socket } from "socket.io-client";
import {
  type ClientToServerEvents,
  type DeliveredSignal,
  type ErrorReport,
  type JoinAck,
  type Joined,
  NAMESPACE,
  type PeerAway,
  type PeerJoined,
  type PeerLeft,
  RELAYED,
  type Refused,
  type RelayAck,
  type RelayEvent,
  type ServerToClientEvents,
  type Signal,
  SOCKET_IO_PATH,
} from "../common/protocol.ts";
import { backoffMs } from "./backoff.ts";
import { createEvents } from "./events.ts";
import { keepCookies } from "./keep-cookies.ts";
import { createOutbox, type Outgoing } from "./outbox.ts";
import { createRepeats } from "./repeats.ts";

/** An ack that takes longer has failed: the connection is given up, ms. */
const ackWithinMs = 5_000;
/** Sent again after `backplane-down` or `rate-limited`, ms. */
const resendAfterMs = 1_000;

export interface SignalingOptions {
  /** Where the proxy is: `https://calls.example.com`. */
  url: string;
  /** `default`: long-polling first, then upgraded; or one of the two alone. */
  transports?: "default" | "websocket" | "polling";
  /** Keep the sticky cookie; browsers do so by themselves. */
  cookies?: boolean;
  /** More query parameters of the connection: `{room}` for `STICKY_KEY=room`. */
  query?: Record<string, string>;
  /** JWT, or what gets a fresh one for each connection. */
  token?: string | (() => string | Promise<string>);
  /** Join again after a reconnect. On unless a drill wants to see what happens without. */
  rejoin?: boolean;
  /** In [0, 1); for repeatable tests. */
  random?: () => number;
}

export type SignalingState = "idle" | "joining" | "joined" | "lost" | "ended";

/** What a {@link SignalingClient} tells. Times are epoch ms. */
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
  "peer-joined": PeerJoined;
  "peer-away": PeerAway;
  "peer-left": PeerLeft;
  "error-report": ErrorReport;
  /** Over: `closed` by us, `superseded` by a newer connection of the same peer, or refused for good. */
  ended: { reason: "closed" | "superseded" | "refused"; error?: Refused["error"] };
}

/**
 * One peer in one room, through as many sockets as it takes: joins, joins again with `resume` after every reconnect,
 * sends again what was not delivered, drops repeats, reconnects with full jitter.
 */
export function createSignalingClient(options: SignalingOptions) {
  const random = options.random ?? Math.random;
  const events = createEvents<SignalingEvents>();
  const outbox = createOutbox();
  const repeats = createRepeats();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let state: SignalingState = "idle";
  let roomId: string | null = null;
  let peerId: string | null = null;
  let node: string | null = null;
  let resume: string | null = null;
  let lostAt: number | null = null;
  let attempt = 0;
  let sent = 0;
  const instance = Math.floor(Math.random() * 2 ** 48).toString(36);

  const transports = options.transports ?? "default";
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(new URL(NAMESPACE, options.url).href, {
    path: SOCKET_IO_PATH,
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: ackWithinMs,
    withCredentials: options.cookies ?? true,
    ...(transports === "default" ? {} : { transports: [transports] }),
    ...(options.query === undefined ? {} : { query: options.query }),
    auth: (give) => {
      const { token } = options;
      if (token === undefined) give({});
      else
        Promise.resolve(typeof token === "string" ? token : token()).then(
          (fresh) => give({ token: fresh }),
          (error: unknown) => {
            events.emit("error-report", { event: "token", code: "unauthorized", message: String(error) });
            give({});
          },
        );
    },
  });

  const cookies = options.cookies === false ? null : keepCookies(socket.io);

  function connect(): void {
    cookies?.before();
    socket.connect();
    cookies?.after();
  }

  function become(next: SignalingState): void {
    if (state === next || state === "ended") return;
    state = next;
    events.emit("state", next);
  }

  function after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  }

  function end(reason: SignalingEvents["ended"]["reason"], error?: Refused["error"]): void {
    if (state === "ended") return;
    become("ended");
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    socket.disconnect();
    const refusal: Refused = { ok: false, error: error ?? { code: "not-in-room", message: `ended: ${reason}` } };
    for (const outgoing of outbox.pending()) settle(outgoing, refusal);
    events.emit("ended", { reason, ...(error === undefined ? {} : { error }) });
  }

  function reconnect(waitMs = backoffMs(attempt, random)): void {
    attempt += 1;
    after(waitMs, connect);
  }

  /** Gives the connection up and opens another: the replica here cannot serve us. */
  function moveOn(waitMs: number): void {
    if (lostAt === null) lose("refused");
    socket.disconnect();
    reconnect(waitMs);
  }

  function lose(reason: string): void {
    lostAt = Date.now();
    events.emit("lost", { at: lostAt, node, reason });
    node = null;
    become("lost");
  }

  function join(): void {
    if (roomId === null || (lostAt !== null && options.rejoin === false)) return;
    const joining = resume === null ? {} : { resume };
    socket.timeout(ackWithinMs).emit("join", roomId, joining, (late: Error | null, ack: JoinAck) => {
      if (state === "ended") return;
      if (late !== null) moveOn(0);
      else if (ack.ok) joined(ack);
      else if (ack.error.code === "draining" || ack.error.code === "overloaded" || ack.error.code === "rate-limited")
        moveOn((ack.error.retryAfterMs ?? resendAfterMs) * (0.5 + random()));
      else end("refused", ack.error);
    });
  }

  function joined(ack: Joined): void {
    const outageMs = lostAt === null ? null : Date.now() - lostAt;
    ({ peerId, node, resume } = ack);
    attempt = 0;
    lostAt = null;
    become("joined");
    events.emit("joined", { ...ack, outageMs });
    for (const outgoing of outbox.pending()) transmit(outgoing);
    // Those who came back while we were away ourselves announce nothing any more.
    for (const peer of ack.peers) if (peer.away !== true) resendTo(peer.peerId);
  }

  function transmit(outgoing: Outgoing): void {
    if (state !== "joined" || !socket.connected) return;
    const { event, signal } = outgoing;
    outgoing.attempts += 1;
    const { id: session } = socket;
    events.emit("emitted", { event, signal, attempt: outgoing.attempts });
    socket.timeout(ackWithinMs).emit(event, signal, (late: Error | null, ack: RelayAck) => {
      // A lost socket's timers mean nothing: the next join sends it again.
      if (socket.id !== session || state !== "joined") return;
      if (late !== null) moveOn(0);
      else if (ack.ok) {
        for (const away of ack.away ?? []) outbox.awaitPeer(away, outgoing);
        settle(outgoing, ack);
      } else if (ack.error.code === "backplane-down" || ack.error.code === "rate-limited")
        after(resendAfterMs, () => transmit(outgoing));
      else if (ack.error.code !== "draining" && ack.error.code !== "overloaded") settle(outgoing, ack);
    });
  }

  function settle(outgoing: Outgoing, ack: RelayAck): void {
    if (outbox.done(outgoing)) outgoing.settle(ack);
  }

  function resendTo(peer: string): void {
    for (const outgoing of outbox.takeFor(peer)) {
      outbox.add(outgoing);
      transmit(outgoing);
    }
  }

  socket.on("connect", join);
  socket.on("connect_error", (error: Error & { data?: { code?: string; message?: string } }) => {
    if (state === "ended") return;
    // A token that is not good does not become so by trying again.
    if (error.data?.code === "unauthorized")
      end("refused", { code: "unauthorized", message: error.data.message ?? error.message });
    else reconnect();
  });
  socket.on("disconnect", (reason) => {
    // Our own doing: whoever did it has decided what comes next.
    if (state === "ended" || reason === "io client disconnect") return;
    lose(reason);
    reconnect();
  });
  socket.on("superseded", () => end("superseded"));
  socket.on("error-report", (report) => events.emit("error-report", report));
  socket.on("peer-away", (event) => events.emit("peer-away", event));
  socket.on("peer-joined", (event) => {
    events.emit("peer-joined", event);
    resendTo(event.peerId);
  });
  socket.on("peer-left", (event) => {
    outbox.forget(event.peerId);
    events.emit("peer-left", event);
  });
  for (const event of RELAYED)
    socket.on(event, (signal: DeliveredSignal) => {
      if (!repeats.seen(signal)) events.emit("signal", { ...signal, event });
    });

  return {
    on: events.on,
    state: () => state,
    /** The replica that holds the connection; null while there is none. */
    node: () => node,
    /** Null before the first join; stays the same ever after. */
    peerId: () => peerId,
    /** Connects and joins. What comes of it is told by `joined` or `ended`. */
    join(room: string): void {
      if (state !== "idle") throw new Error(`already ${state}: one client is one peer in one room`);
      roomId = room;
      become("joining");
      connect();
    },
    /**
     * Sends a signal to the room, or to the peer `to`; resolves when it was acknowledged (`away`: it is sent again to
     * those when they are back) or refused for good. Waits through outages and never rejects.
     */
    send(event: RelayEvent, signal: Omit<Signal, "roomId">): Promise<RelayAck> {
      return new Promise((resolve) => {
        // `ref` names this sending whatever the replicas do: by it a receiver drops what a retry repeated.
        const ref = `${instance}-${++sent}`;
        const outgoing = { event, signal: { ...signal, roomId: roomId ?? "", ref }, attempts: 0, settle: resolve };
        if (state === "ended") resolve({ ok: false, error: { code: "not-in-room", message: "the client has ended" } });
        else if (outbox.add(outgoing)) transmit(outgoing);
        else resolve({ ok: false, error: { code: "rate-limited", message: "too many signals wait to be sent" } });
      });
    },
    /** Leaves the room and closes the connection, for good. */
    async close(): Promise<void> {
      if (state === "joined" && roomId !== null && socket.connected) {
        const room = roomId;
        await new Promise<void>((resolve) => socket.timeout(1_000).emit("leave", room, () => resolve()));
      }
      end("closed");
    },
  };
}

export type SignalingClient = ReturnType<typeof createSignalingClient>;
