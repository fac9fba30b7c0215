import type { CallerPeer, CallsRequest } from "../../../common/calls.ts";
import type { RelayAck, RelayEvent } from "../../../common/protocol.ts";
import type { PeerKind, PeerOptions } from "./peer-kind.ts";

/** Maximum number of remembered outages of a peer. */
const outageLimit = 200;

/** The application's address, its token, and the callers' protocol. */
export interface Target extends Pick<PeerOptions, "url" | "urls" | "token" | "path" | "hello"> {
  kind: PeerKind;
  /** Default share of peers without cookies, 0..1. */
  cookieless: number;
}

export interface CallPeerEvents {
  /** In its room, for the first time or again. */
  onJoined(): void;
  /** The other peer is in the room, so a signal reaches it from now on. */
  onPeer(): void;
  onSignal(event: RelayEvent, signal: Record<string, unknown>): void;
  /** Joined again, `ms` after its connection was lost. */
  onOutageEnd(ms: number): void;
  /** A connection that was open for `ms` was lost. */
  onLost(ms: number): void;
  /** An attempt to connect failed. */
  onFailed(): void;
  /** A numbered signal was sent, or sent again. */
  onEmitted(seq: number): void;
}

/** One synthetic peer with randomly chosen transports, and the list of its outages. */
export function createPeer(
  options: {
    index: number;
    side: "a" | "b";
    roomId: string;
    request: CallsRequest;
    target: Target;
    random: () => number;
  },
  events: CallPeerEvents,
) {
  const { index, side, roomId, request, target, random } = options;
  const { kind, cookieless, ...where } = target;
  const transports = draw(request.mix, random);
  const cookies = random() >= (request.mix.cookieless ?? cookieless);
  const outages: CallerPeer["outages"] = [];
  let state: CallerPeer["state"] = "connecting";
  let peerId: string | null = null;
  let node: string | null = null;
  let socketsLost = 0;
  let connectFailures = 0;
  let joinedAt = 0;

  const peer = kind.connect(
    {
      ...where,
      transports,
      cookies,
      rejoin: request.rejoin,
      random,
      ...(request.roomKey ? { query: { room: roomId } } : {}),
    },
    {
      joined(told) {
        const now = Date.now();
        const outage = outages.at(-1);
        node = told.node;
        peerId = told.peerId;
        joinedAt = now;
        state = "joined";
        if (outage !== undefined && outage.backAt === null) {
          Object.assign(outage, { backAt: now, to: node });
          events.onOutageEnd(now - outage.at);
        }
        events.onJoined();
        if (told.peers > 0) events.onPeer();
      },
      lost(at, reason) {
        // A second loss during the reconnect belongs to the same outage.
        if (state === "joined") {
          socketsLost += 1;
          outages.push({ at, backAt: null, from: node, to: null, reason });
          if (outages.length > outageLimit) outages.shift();
          events.onLost(at - joinedAt);
        }
        node = null;
        if (state !== "ended") state = "reconnecting";
      },
      failed() {
        connectFailures += 1;
        events.onFailed();
      },
      ended() {
        node = null;
        state = "ended";
      },
      peerJoined: () => events.onPeer(),
      received: (event, signal) => events.onSignal(event as RelayEvent, signal),
      emitted(signal) {
        if (typeof signal["seq"] === "number") events.onEmitted(signal["seq"]);
      },
    },
  );

  return {
    start: () => peer.join(roomId),
    stop: () => peer.close(),
    joined: () => state === "joined",
    node: () => node,
    signal: (event: RelayEvent, signal: Record<string, unknown>): Promise<RelayAck> => peer.send(event, signal),
    /** True if an outage overlaps the window (epoch ms), or no outage has ended before it. */
    outIn: (since: number, until: number): boolean =>
      outages.some(({ at, backAt }) => at < until && (backAt === null || backAt > since)),
    everOutBefore: (at: number): boolean => outages.some(({ backAt }) => backAt !== null && backAt <= at),
    describe: (): CallerPeer => ({
      call: index,
      side,
      peerId,
      node,
      state,
      transports,
      cookies,
      socketsLost,
      connectFailures,
      outages,
    }),
  };
}

function draw(mix: CallsRequest["mix"], random: () => number): CallerPeer["transports"] {
  const kinds = ["default", "websocket", "polling"] as const;
  let left = random() * (mix.default + mix.websocket + mix.polling);
  for (const kind of kinds) {
    left -= mix[kind];
    if (left < 0) return kind;
  }
  return "default";
}
