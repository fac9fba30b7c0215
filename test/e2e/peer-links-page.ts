import { createPeerLink, type PeerLink } from "../../client/peer-link.ts";
import type { DeliveredSignal, RelayEvent } from "../../common/protocol.ts";

/** The faults of the channel between the two links. */
interface Channel {
  latencyMs: number;
  /** Each signal arrives a second time, this long after the first, ms; 0: only once. */
  repeatAfterMs: number;
  /** True if the signals of one side have no names, as those of another client. */
  nameless: "none" | "polite" | "impolite";
  /** Number of answers that are lost at first. */
  lostAnswers: number;
}

/** Two links in one page, with the number of offers and answers by name. */
function createPair(channel: Channel) {
  let lost = channel.lostAnswers;
  const answers: string[] = [];
  const problems: string[] = [];
  const links: PeerLink[] = [];

  function carry(to: number, event: RelayEvent, signal: Record<string, unknown>): void {
    const text = JSON.stringify(signal);
    const deliver = () => links[to]?.receive(event, JSON.parse(text) as DeliveredSignal);
    if (event === "answer" && typeof signal["offerId"] === "string") answers.push(signal["offerId"]);
    if (event === "answer" && lost > 0) {
      lost -= 1;
      return;
    }
    setTimeout(deliver, channel.latencyMs);
    if (channel.repeatAfterMs > 0) setTimeout(deliver, channel.latencyMs + channel.repeatAfterMs);
  }

  for (const [index, name] of (["polite", "impolite"] as const).entries())
    links.push(
      createPeerLink({
        polite: name === "polite",
        createConnection: (configuration) => new RTCPeerConnection(configuration),
        iceServers: [],
        async send(event, signal) {
          const { offerId: _, ...rest } = signal;
          carry(1 - index, event, channel.nameless === name ? rest : signal);
        },
        onTrack: () => undefined,
        onChange: () => undefined,
        onProblem: (message) => problems.push(`${name} ${message}`),
      }),
    );

  return {
    problems,
    /** Adds a picture on that side. */
    addTrack(side: number): void {
      const stream = document.createElement("canvas").captureStream(1);
      for (const track of stream.getTracks()) links[side]?.connection.addTrack(track, stream);
    },
    restartIce: (side: number) => links[side]?.restartIce(),
    /** The differences between both sides; empty if they agree. */
    disagreement(): string {
      const [one, other] = links.map(({ connection }) => connection) as [RTCPeerConnection, RTCPeerConnection];
      for (const { signalingState, iceConnectionState } of [one, other])
        if (signalingState !== "stable" || !["connected", "completed"].includes(iceConnectionState))
          return `${signalingState}, ICE ${iceConnectionState}`;
      const ufrag = (description: RTCSessionDescription | null) =>
        /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? "")?.[1];
      if (ufrag(one.localDescription) !== ufrag(other.remoteDescription)) return "ICE credentials of one";
      if (ufrag(other.localDescription) !== ufrag(one.remoteDescription)) return "ICE credentials of the other";
      const sends = (connection: RTCPeerConnection) =>
        connection.getTransceivers().filter(({ currentDirection }) => currentDirection?.includes("send")).length;
      const receives = (connection: RTCPeerConnection) =>
        connection.getTransceivers().filter(({ currentDirection }) => currentDirection?.includes("recv")).length;
      const wants = (connection: RTCPeerConnection) =>
        connection.getSenders().filter(({ track }) => track !== null).length;
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const)
        if (sends(from) !== wants(from) || receives(to) !== wants(from))
          return `${wants(from)} tracks to send, ${sends(from)} sent, ${receives(to)} received`;
      return "";
    },
    ufrag: (side: number) => /a=ice-ufrag:(\S+)/.exec(links[side]?.connection.localDescription?.sdp ?? "")?.[1] ?? "",
    /** Names of the answered offers, in order, with repeated answers. */
    answers: () => answers,
  };
}

Object.assign(globalThis, { createPair });
export type Pair = ReturnType<typeof createPair>;
