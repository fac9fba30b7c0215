import { type DataChannel, type DescriptionType, PeerConnection } from "node-datachannel";
import { createGapMeter } from "./media-gap.ts";

/** Messages a second on the data channel of a media call, in each direction. */
const messagesPerSecond = 20;

/** One end of a real WebRTC connection (ICE, DTLS, SCTP). Its data channel represents media. */
export interface MediaLeg {
  /** The other side's offer or answer. */
  describe(description: { type: string; sdp: string }): void;
  addCandidate(candidate: { candidate: string; mid: string }): void;
  connected(): boolean;
  close(): void;
}

export interface MediaEvents {
  onDescription(description: { type: string; sdp: string }): void;
  onCandidate(candidate: { candidate: string; mid: string }): void;
  /** The channel is open: media flows. */
  onOpen(): void;
  /** No media came for over a second, or the connection left `connected`. */
  onInterruption(): void;
  /** Media was silent for `ms` between two messages. Reported from 250 ms on. */
  onGap(ms: number): void;
}

/**
 * @param offering true for the side that opens the channel and so makes the offer, at once
 * @param bindAddress local address for ICE; both ends are in this process, so loopback works
 */
export function createMediaLeg(
  { name, offering, bindAddress = "127.0.0.1" }: { name: string; offering: boolean; bindAddress?: string },
  events: MediaEvents,
): MediaLeg {
  const connection = new PeerConnection(name, { iceServers: [], bindAddress });
  const meter = createGapMeter(events.onInterruption);
  let channel: DataChannel | null = null;
  let timer: NodeJS.Timeout | undefined;
  let wasConnected = false;
  // A candidate can overtake its description, and the library then refuses it.
  let described = false;
  const early: { candidate: string; mid: string }[] = [];
  let closed = false;

  connection.onLocalDescription((sdp, type) => events.onDescription({ type, sdp }));
  connection.onLocalCandidate((candidate, mid) => events.onCandidate({ candidate, mid }));
  connection.onStateChange((state) => {
    if (closed) return;
    if (state === "connected") wasConnected = true;
    else if (wasConnected) {
      wasConnected = false;
      events.onInterruption();
    }
  });

  function adopt(opened: DataChannel): void {
    channel = opened;
    opened.onMessage(() => {
      const silentMs = meter.received();
      if (silentMs >= 250) events.onGap(silentMs);
    });
    opened.onOpen(() => {
      events.onOpen();
      timer = setInterval(() => {
        meter.tick(performance.now());
        if (opened.isOpen()) opened.sendMessage("media");
      }, 1000 / messagesPerSecond);
    });
    opened.onError(() => events.onInterruption());
  }

  if (offering) adopt(connection.createDataChannel("media"));
  else connection.onDataChannel(adopt);

  // Signals of a call that has ended or failed may still arrive. Their transport no longer exists.
  const over = () => closed || ["closed", "failed"].includes(connection.state());

  return {
    describe({ type, sdp }) {
      if (over()) return;
      connection.setRemoteDescription(sdp, type as DescriptionType);
      described = true;
      for (const { candidate, mid } of early.splice(0)) connection.addRemoteCandidate(candidate, mid);
    },
    addCandidate(candidate) {
      if (over()) return;
      if (described) connection.addRemoteCandidate(candidate.candidate, candidate.mid);
      else early.push(candidate);
    },
    connected: () => connection.state() === "connected" && channel?.isOpen() === true,
    close() {
      closed = true;
      clearInterval(timer);
      connection.close();
    },
  };
}
