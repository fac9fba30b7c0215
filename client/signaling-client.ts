import {
  type DeliveredSignal,
  type JoinAck,
  type Joined,
  RELAYED,
  type Refused,
  type RelayAck,
  type RelayEvent,
  type Signal,
} from "../common/protocol.ts";
import { backoffMs } from "./backoff.ts";
import { createEvents } from "./events.ts";
import { keepCookies } from "./keep-cookies.ts";
import { openSocket } from "./open-socket.ts";
import { createOutbox, type Outgoing } from "./outbox.ts";
import { createRepeats } from "./repeats.ts";
import type { SignalingEvents, SignalingOptions, SignalingState } from "./signaling-contract.ts";

export type { SignalingEvents, SignalingOptions } from "./signaling-contract.ts";

/** An ack that takes longer has failed: the connection is given up, ms. */
const ackWithinMs = 5_000;
/** Sent again after `backplane-down` or `rate-limited`, ms. */
const resendAfterMs = 1_000;

/**
 * One peer in one room, through as many sockets as it takes: joins, joins again with `resume` after every reconnect,
 * sends again what was not delivered, drops repeats, reconnects with full jitter.
 */
export function createSignalingClient(options: SignalingOptions) {
  const random = options.random ?? Math.random;
  const events = createEvents<SignalingEvents>();
  const outbox = createOutbox();
  const repeats = createRepeats();
  /** A peer's offer may overtake the first join ack, which says who we are. */
  const early: [RelayEvent, DeliveredSignal][] = [];
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let state: SignalingState = "idle";
  let roomId: string | null = null;
  let peerId: string | null = null;
  let node: string | null = null;
  let resume: string | null = null;
  let lostAt: number | null = null;
  let attempt = 0;
  let reconnecting: ReturnType<typeof setTimeout> | undefined;
  let sent = 0;
  const instance = Math.floor(Math.random() * 2 ** 48).toString(36);

  const socket = openSocket(options, ackWithinMs, (message) =>
    events.emit("error-report", { event: "token", code: "unauthorized", message }),
  );
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

  function after(ms: number, run: () => void) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
    return timer;
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

  /** One reconnect at a time: a second `connect()` on the way makes a second socket on the replica. */
  function reconnect(waitMs = backoffMs(attempt, random)): void {
    if (reconnecting !== undefined) return;
    attempt += 1;
    reconnecting = after(waitMs, () => {
      reconnecting = undefined;
      connect();
    });
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
    if (roomId === null || (peerId !== null && options.rejoin === false)) return;
    const joining = resume === null ? {} : { resume };
    const { id: session } = socket;
    socket.timeout(ackWithinMs).emit("join", roomId, joining, (late: Error | null, ack: JoinAck) => {
      // A socket that is gone fails its acks after `disconnect`, which has seen to the next one.
      if (state === "ended" || socket.id !== session) return;
      if (late !== null) moveOn(0);
      else if (ack.ok) joined(ack);
      else if (ack.error.code === "draining" || ack.error.code === "overloaded" || ack.error.code === "rate-limited")
        moveOn((ack.error.retryAfterMs ?? resendAfterMs) * (0.5 + random()));
      else end("refused", ack.error);
    });
  }

  function joined(ack: Joined): void {
    const outageMs = lostAt === null || peerId === null ? null : Date.now() - lostAt;
    ({ peerId, node, resume } = ack);
    attempt = 0;
    lostAt = null;
    become("joined");
    events.emit("joined", { ...ack, outageMs });
    for (const [event, signal] of early.splice(0)) receive(event, signal);
    // Those who came back while we were away ourselves announce nothing any more.
    for (const peer of ack.peers) if (peer.away !== true) outbox.moveToPending(peer.peerId);
    for (const outgoing of outbox.pending()) transmit(outgoing);
  }

  function transmit(outgoing: Outgoing): void {
    if (state !== "joined" || !socket.connected || !outbox.holds(outgoing)) return;
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

  function receive(event: RelayEvent, signal: DeliveredSignal): void {
    if (!repeats.seen(signal)) events.emit("signal", { ...signal, event });
  }

  function settle(outgoing: Outgoing, ack: RelayAck): void {
    if (outbox.done(outgoing)) outgoing.settle(ack);
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
    for (const outgoing of outbox.moveToPending(event.peerId)) transmit(outgoing);
  });
  socket.on("peer-left", (event) => {
    outbox.forget(event.peerId);
    events.emit("peer-left", event);
  });
  for (const event of RELAYED)
    socket.on(event, (signal: DeliveredSignal) => {
      if (peerId === null) early.push([event, signal]);
      else receive(event, signal);
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
        const full: Signal = { ...signal, roomId: roomId ?? "", ref };
        const outgoing: Outgoing = { event, signal: full, order: sent, attempts: 0, settle: resolve };
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
