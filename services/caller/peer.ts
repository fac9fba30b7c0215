import { createSignalingClient } from "../../client/signaling-client.ts";
import type { CallerPeer, CallsRequest } from "../../common/calls.ts";
import type { RelayAck, RelayEvent } from "../../common/protocol.ts";
import type { Target } from "./runs.ts";

/** Outages that a peer remembers. */
const outageLimit = 200;

export interface PeerEvents {
  /** The other peer is known to be in the room: what is sent now reaches it. */
  onPeer(): void;
  onSignal(event: RelayEvent, signal: Record<string, unknown>): void;
  /** Joined again, `ms` after its socket was lost. */
  onOutageEnd(ms: number): void;
  /** A numbered signal was put on the wire (again). */
  onEmitted(seq: number): void;
}

/** One synthetic peer: a signaling client of drawn transports, and the account of its outages. */
export function createPeer(
  options: {
    index: number;
    side: "a" | "b";
    roomId: string;
    request: CallsRequest;
    target: Target;
    random: () => number;
  },
  events: PeerEvents,
) {
  const { index, side, roomId, request, target, random } = options;
  const transports = draw(request.mix, random);
  const cookies = random() >= request.mix.cookieless;
  const outages: CallerPeer["outages"] = [];
  let socketsLost = 0;
  const client = createSignalingClient({
    url: target.url,
    transports,
    cookies,
    rejoin: request.rejoin,
    random,
    ...(target.token === undefined ? {} : { token: target.token }),
    ...(request.roomKey ? { query: { room: roomId } } : {}),
  });

  client.on("lost", ({ at, node }) => {
    socketsLost += 1;
    outages.push({ at, backAt: null, from: node, to: null });
    if (outages.length > outageLimit) outages.shift();
  });
  client.on("joined", ({ node, outageMs, peers }) => {
    const outage = outages.at(-1);
    if (outageMs !== null && outage !== undefined) {
      Object.assign(outage, { backAt: Date.now(), to: node });
      events.onOutageEnd(outageMs);
    }
    if (peers.length > 0) events.onPeer();
  });
  client.on("peer-joined", () => events.onPeer());
  client.on("signal", ({ event, ...signal }) => events.onSignal(event, signal));
  client.on("emitted", ({ signal }) => {
    if (typeof signal["seq"] === "number") events.onEmitted(signal["seq"]);
  });

  return {
    start: () => client.join(roomId),
    stop: () => client.close(),
    joined: () => client.state() === "joined",
    node: () => client.node(),
    signal: (event: RelayEvent, signal: Record<string, unknown>): Promise<RelayAck> => client.send(event, signal),
    /** Whether an outage overlaps the window, epoch ms, or none ever ended before it. */
    outIn: (since: number, until: number): boolean =>
      outages.some(({ at, backAt }) => at < until && (backAt === null || backAt > since)),
    everOutBefore: (at: number): boolean => outages.some(({ backAt }) => backAt !== null && backAt <= at),
    describe(): CallerPeer {
      const state = client.state();
      const states = {
        idle: "connecting",
        joining: "connecting",
        joined: "joined",
        lost: "reconnecting",
        ended: "ended",
      } as const;
      return {
        call: index,
        side,
        peerId: client.peerId(),
        node: client.node(),
        state: states[state],
        transports,
        cookies,
        socketsLost,
        outages,
      };
    },
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
