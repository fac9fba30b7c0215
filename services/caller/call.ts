import type { CallerPeer, CallsRequest } from "../../common/calls.ts";
import type { Log } from "../../common/log.ts";
import type { RelayEvent } from "../../common/protocol.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createMediaLeg, type MediaLeg } from "./media.ts";
import type { Metrics } from "./metrics.ts";
import { createPeer, type Target } from "./peers/peer.ts";
import type { Tally } from "./tally.ts";

/** Time-out of a set-up, ms. */
const setupLimitMs = 10_000;
/**
 * Interval at which the signals of a set-up are repeated until the call is set up, ms. A signal may be lost with a
 * replica.
 */
const repeatAfterMs = 2_500;

export type CallState = "setting-up" | "established" | "failed";

export interface Call {
  state(): CallState;
  peers(): CallerPeer[];
  mediaConnected(): boolean;
  /** Checks for lost signals and for a set-up that took too long. */
  sweep(now: number): void;
  stop(): Promise<void>;
}

interface Context {
  index: number;
  roomId: string;
  request: CallsRequest;
  target: Target;
  random: () => number;
  tally: Tally;
  metrics: Metrics;
  log: Log;
}

/**
 * One synthetic call: peers a and b join a room, a offers, b answers, then both send numbered signals until `stop`.
 * Every `request.webrtcEvery`-th call carries the offer and answer of a real WebRTC connection.
 */
export function createCall(context: Context): Call {
  const { index, roomId, request, tally, metrics, log } = context;
  const startedAt = Date.now();
  const { capabilities } = context.target.kind;
  const hasMedia = capabilities.media && request.webrtcEvery > 0 && index % request.webrtcEvery === 0;
  let state: CallState = "setting-up";
  let answered = false;
  let offered = false;
  let repeatedAt = startedAt;
  const sending: NodeJS.Timeout[] = [];

  const sides = [createSide("a", 0), createSide("b", 1)] as const;

  /** A signal counts as lost after the rejoin only if it was sent after an outage and outside of any other. */
  function excused(since: number, until: number): boolean {
    const peers = sides.map(({ peer }) => peer);
    return peers.some((peer) => peer.outIn(since, until)) || !peers.some((peer) => peer.everOutBefore(since));
  }

  /** A media connection that fails to connect is made again. Each of its signals names its attempt. */
  let attempt = 0;

  function createSide(side: "a" | "b", position: 0 | 1) {
    const peer = createPeer(
      { ...context, side },
      {
        onJoined,
        onPeer,
        onSignal,
        onOutageEnd,
        onLost: (ms) => tally.sample("sessionAgeMs", Date.now(), ms),
        onFailed() {
          tally.count("connectFailures", Date.now());
          metrics.connectFailures.inc();
        },
        onEmitted,
      },
    );
    const ledger: Ledger = createLedger(tally, metrics, excused);
    let leg: MediaLeg | null = null;
    /** The signals that this side sent for the set-up: description first, then its candidates. */
    const said: { event: RelayEvent; signal: Record<string, unknown> }[] = [];
    let current = 0;
    return { side, peer, ledger, leg: () => leg, openLeg, repeat, renew };

    function say(event: RelayEvent, payload: Record<string, unknown>): void {
      const signal = { ...payload, attempt: current };
      said.push({ event, signal });
      void peer.signal(event, signal);
    }

    /** Abandons the earlier negotiation and starts the attempt `next`. */
    function renew(next: number): void {
      current = next;
      said.length = 0;
      leg?.close();
      leg = null;
    }

    function repeat(): void {
      for (const { event, signal } of said) void peer.signal(event, signal);
    }

    function openLeg(): MediaLeg {
      leg ??= createMediaLeg(
        { name: `${roomId}-${side}`, offering: position === 0 },
        {
          onDescription: (description) => say(position === 0 ? "offer" : "answer", { description }),
          onCandidate: (candidate) => say("candidate", { candidate }),
          onOpen: checkEstablished,
          onInterruption: () => {
            tally.count("mediaInterruptions", Date.now());
            metrics.mediaInterruptions.inc();
            log.warn({ room: roomId, side }, "media interrupted");
          },
          onGap: (ms) => tally.sample("mediaGapMs", Date.now(), ms),
        },
      );
      return leg;
    }

    /** Without signals a call is set up once both peers are connected. */
    function onJoined(): void {
      if (!capabilities.signals && sides.every((one) => one.peer.joined())) establish();
    }

    function onPeer(): void {
      if (position !== 0 || offered) return;
      offered = true;
      if (hasMedia) openLeg();
      else say("offer", { description: { type: "offer", sdp: "synthetic" } });
    }

    function onSignal(event: string, signal: Record<string, unknown>): void {
      const now = Date.now();
      const from = sides[position === 0 ? 1 : 0];
      if (typeof signal["seq"] === "number") {
        const scope = from.peer.node() === peer.node() ? "local" : "remote";
        from.ledger.received(signal["seq"], scope, now);
        return;
      }
      const theirs = Number(signal["attempt"] ?? 0);
      if (theirs < current || (theirs > current && position === 0)) return;
      if (theirs > current) renew(theirs);
      if (event === "offer" && said.some((earlier) => earlier.event === "answer")) repeat();
      else if (event === "offer" && hasMedia)
        openLeg().describe(signal["description"] as { type: string; sdp: string });
      else if (event === "offer") say("answer", { description: { type: "answer", sdp: "synthetic" } });
      else if (event === "answer" && !answered) {
        answered = true;
        if (hasMedia) leg?.describe(signal["description"] as { type: string; sdp: string });
        checkEstablished();
      } else if (event === "candidate" && hasMedia)
        openLeg().addCandidate(signal["candidate"] as { candidate: string; mid: string });
    }

    function onOutageEnd(ms: number): void {
      tally.sample("reconnectMs", Date.now(), ms);
      metrics.reconnectSeconds.observe(ms / 1000);
    }

    function onEmitted(seq: number): void {
      ledger.emitted(seq, Date.now());
    }
  }

  function checkEstablished(): void {
    if (answered && (!hasMedia || mediaConnected())) establish();
  }

  function establish(): void {
    if (state === "established") return;
    const setupMs = Date.now() - startedAt;
    if (state === "setting-up") {
      metrics.setups.inc({ result: "ok" });
      metrics.setupSeconds.observe(setupMs / 1000);
      tally.sample("setupMs", Date.now(), setupMs);
    }
    state = "established";
    if (!capabilities.signals) return;
    const everyMs = 1000 / request.signalsPerSecond;
    for (const one of sides) {
      const begin = () => sending.push(setInterval(() => sendNumbered(one), everyMs));
      sending.push(setTimeout(begin, context.random() * everyMs));
    }
  }

  function sendNumbered({ peer, ledger }: (typeof sides)[number]): void {
    const seq = ledger.send(Date.now());
    void peer.signal("candidate", { seq }).then((ack) => {
      if (!ack.ok) ledger.refused(seq, ack.error.code, Date.now());
      else if (ack.away === undefined || ack.away.length === 0) ledger.acknowledged(seq, Date.now());
    });
  }

  function mediaConnected(): boolean {
    return hasMedia && sides.every((one) => one.leg()?.connected() === true);
  }

  for (const { peer } of sides) peer.start();

  return {
    state: () => state,
    peers: () => sides.map(({ peer }) => peer.describe()),
    mediaConnected,
    sweep(now) {
      for (const { ledger } of sides) ledger.sweep(now);
      if (offered && state !== "established" && now - repeatedAt > repeatAfterMs) {
        repeatedAt = now;
        if (hasMedia && answered) {
          answered = false;
          attempt += 1;
          sides[0].renew(attempt);
          sides[0].openLeg();
        } else sides[0].repeat();
      }
      if (state === "setting-up" && now - startedAt > setupLimitMs) {
        state = "failed";
        metrics.setups.inc({ result: "failed" });
        log.warn({ room: roomId }, `call not set up within ${setupLimitMs} ms`);
      }
    },
    async stop() {
      for (const timer of sending) clearInterval(timer);
      await Promise.all(sides.map(({ peer }) => peer.stop()));
      for (const one of sides) one.leg()?.close();
    },
  };
}
