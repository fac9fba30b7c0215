import type { DeliveredSignal, JoinAck, Joined, Refused, RelayAck, RelayEvent, Signal } from "../common/protocol.ts";
import { RELAYED } from "../common/protocol-names.ts";
import { ackWithinMs, createConnection } from "./connecting/connection.ts";
import { sayLastWords } from "./connecting/last-words.ts";
import { lossOf } from "./connecting/transport-limit.ts";
import { createEvents } from "./events.ts";
import { createRepeats } from "./sending/repeats.ts";
import { createSender } from "./sending/sender.ts";
import type { SignalingEvents, SignalingOptions, SignalingState } from "./signaling-contract.ts";

export type { SignalingEvents, SignalingOptions } from "./signaling-contract.ts";

/** Pause before a retry of a join that was refused without `retryAfterMs`, ms. */
const rejoinAfterMs = 1_000;
/** After a change of network, a socket without an ack for this time belongs to the old network, ms. */
const probeWithinMs = 2_000;

/**
 * One peer in one room, over any number of sockets. It joins, and joins again with `resume` after every reconnect. It
 * sends undelivered signals again, drops repeats, and reconnects with full jitter.
 */
export function createSignalingClient(options: SignalingOptions) {
  const events = createEvents<SignalingEvents>();
  const repeats = createRepeats();
  /** A peer's offer may overtake the first join ack, which contains the own peer id. */
  const early: [RelayEvent, DeliveredSignal][] = [];
  let state: SignalingState = "idle";
  let roomId: string | null = null;
  let peerId: string | null = null;
  let node: string | null = null;
  let resume: string | null = null;
  let lostAt: number | null = null;
  let probing = false;
  let sent = 0;
  const instance = Math.floor(Math.random() * 2 ** 48).toString(36);

  const connection = createConnection(options, {
    onOpen: join,
    onLost: lose,
    onRefused: (error) => end("refused", error),
    onNetworkChange: probe,
    onBetterAddress: () => moveOn(undefined, "a better address"),
    onTokenFailure: (message) => events.emit("error-report", { event: "token", code: "unauthorized", message }),
  });
  const { socket } = connection;
  const sender = createSender({
    socket,
    joined: () => state === "joined",
    maxMessageBytes: connection.maxMessageBytes,
    keepsFailing: connection.keepsFailing,
    onSilence: () => moveOn(undefined, "no ack in time"),
    onEmitted: (emitted) => events.emit("emitted", emitted),
  });

  function become(next: SignalingState): void {
    if (state === next || state === "ended") return;
    state = next;
    events.emit("state", next);
  }

  function end(reason: SignalingEvents["ended"]["reason"], error?: Refused["error"], closeAfterMs = 0): void {
    if (state === "ended") return;
    become("ended");
    connection.close(closeAfterMs);
    sender.end({ ok: false, error: error ?? { code: "not-in-room", message: `ended: ${reason}` } });
    events.emit("ended", { reason, ...(error === undefined ? {} : { error }) });
  }

  function moveOn(waitMs?: number, reason = "refused"): void {
    connection.moveOn(waitMs);
    if (lostAt === null) lose(reason, undefined);
  }

  function lose(reason: string, details: unknown): void {
    lostAt = Date.now();
    events.emit("lost", { at: lostAt, node, reason: lossOf(reason, details) });
    node = null;
    become("lost");
    sender.lost(details);
  }

  function join(): void {
    if (roomId === null || (peerId !== null && options.rejoin === false)) return;
    const joining = resume === null ? {} : { resume };
    const { id: session } = socket;
    socket.timeout(ackWithinMs).emit("join", roomId, joining, (late: Error | null, ack: JoinAck) => {
      // A lost socket fails its acks after `disconnect`, and that event has already started the next connection.
      if (state === "ended" || socket.id !== session) return;
      if (late !== null) moveOn(undefined, "no ack in time");
      else if (ack.ok) joined(ack);
      else if (ack.error.retryAfterMs !== undefined) moveOn(ack.error.retryAfterMs);
      else if (ack.error.code === "rate-limited") moveOn(rejoinAfterMs);
      else if (ack.error.code === "unauthorized" && connection.mayAskForToken()) moveOn(rejoinAfterMs);
      else end("refused", ack.error);
    });
  }

  function joined(ack: Joined): void {
    const outageMs = lostAt === null || peerId === null ? null : Date.now() - lostAt;
    ({ peerId, node, resume } = ack);
    lostAt = null;
    connection.joined();
    become("joined");
    events.emit("joined", { ...ack, outageMs });
    for (const [event, signal] of early.splice(0)) receive(event, signal);
    // Peers that came back while this one was away are not announced again.
    sender.peersAreBack(ack.peers.filter(({ away }) => away !== true).map((peer) => peer.peerId));
  }

  /** A repeated join of the same room changes nothing and gets its ack at once. */
  function probe(): void {
    if (state !== "joined" || roomId === null || resume === null || probing) return;
    probing = true;
    const { id: session } = socket;
    socket.timeout(probeWithinMs).emit("join", roomId, { resume }, (late: Error | null) => {
      probing = false;
      if (late !== null && state === "joined" && socket.id === session) moveOn(undefined, "no ack in time");
    });
  }

  function receive(event: RelayEvent, signal: DeliveredSignal): void {
    if (!repeats.seen(signal)) events.emit("signal", { ...signal, event });
  }

  socket.on("superseded", () => end("superseded"));
  socket.on("error-report", (report) => events.emit("error-report", report));
  socket.on("settled", (event) => events.emit("settled", event));
  socket.on("peer-away", (event) => events.emit("peer-away", event));
  socket.on("peer-joined", (event) => {
    events.emit("peer-joined", event);
    sender.peersAreBack([event.peerId]);
  });
  socket.on("peer-left", (event) => {
    sender.forget(event.peerId);
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
    /** The replica of the connection; null while there is no connection. */
    node: () => node,
    /** Null before the first join. Never changes afterwards. */
    peerId: () => peerId,
    /** Connects and joins. `joined` or `ended` reports the result. */
    join(room: string): void {
      if (state !== "idle") throw new Error(`already ${state}: one client is one peer in one room`);
      roomId = room;
      become("joining");
      void connection.open();
    },
    /**
     * Sends a signal to the room, or to the peer `to`; resolves when it is acknowledged or refused for good. It is sent
     * again to the peers in `away` when they are back. Waits through outages and never rejects.
     */
    send(event: RelayEvent, signal: Omit<Signal, "roomId">): Promise<RelayAck> {
      if (state === "ended")
        return Promise.resolve({ ok: false, error: { code: "not-in-room", message: "the client has ended" } });
      // `ref` names this signal on every replica. A receiver drops repeats by it.
      const ref = `${instance}-${++sent}`;
      return sender.send(event, { ...signal, roomId: roomId ?? "", ref });
    },
    /** Leaves the room and closes the connection for good. */
    async close(): Promise<void> {
      if (state === "joined" && roomId !== null && socket.connected) {
        const room = roomId;
        await new Promise<void>((resolve) => socket.timeout(1_000).emit("leave", room, () => resolve()));
      }
      end("closed");
    },
    /**
     * For `pagehide`: sends `bye` and `leave` and ends at once, without waiting for acks. `close` would not finish in
     * time.
     */
    depart(): void {
      const room = state === "joined" && socket.connected ? roomId : null;
      end("closed", undefined, room === null ? 0 : sayLastWords(socket, connection.address(), room));
    },
  };
}

export type SignalingClient = ReturnType<typeof createSignalingClient>;
