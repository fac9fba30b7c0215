import type { DeliveredSignal, IceServer, RelayEvent } from "../common/protocol.ts";
import { createOffersOfPeer } from "./offers-of-peer.ts";

/** First pause before an unanswered offer is sent again, ms. It doubles each time. */
const answerWithinMs = 1_500;
/** Maximum number of repeats. After that the link waits for `signalingIsBack`. */
const offerRepeats = 4;
/** Maximum number of candidates that wait for their description. */
const earlyLimit = 100;

/** The used interface of RTCPeerConnection, in a browser or elsewhere. */
export type CreateConnection = (configuration: { iceServers: IceServer[] }) => RTCPeerConnection;

export interface PeerLinkOptions {
  /** Perfect negotiation: exactly one of two peers is polite and gives way when both offer at once. */
  polite: boolean;
  createConnection: CreateConnection;
  iceServers: IceServer[];
  /** Sends to the peer of this link. Resolves when the signal is acknowledged or refused. */
  send(event: RelayEvent, signal: Record<string, unknown>): Promise<void>;
  onTrack(track: MediaStreamTrack, stream: MediaStream): void;
  /** A state of the connection changed: `connectionState`, `iceConnectionState` or `signalingState`. */
  onChange(): void;
  /** An error from which the link has recovered, or will recover by an ICE restart. */
  onProblem(message: string): void;
}

/**
 * One RTCPeerConnection to one peer, by perfect negotiation (W3C WebRTC 1.0, section 10.7). It lives as long as the
 * call; losses of signaling do not affect it. It restarts ICE only when ICE has failed.
 *
 * Each offer has a name, `offerId`, which its answer repeats, because on a slow network an answer may come after its
 * offer was abandoned. Names are opaque. Descriptions of other clients without a name are distinguished by their text.
 */
export function createPeerLink(options: PeerLinkOptions) {
  const { polite, send } = options;
  const connection = options.createConnection({ iceServers: options.iceServers });
  const instance = Math.floor(Math.random() * 2 ** 48).toString(36);
  const theirs = createOffersOfPeer();
  /** Serialises all changes of the descriptions, in their order of arrival. */
  let queue = Promise.resolve();
  let closed = false;
  let offers = 0;
  /** Name of the local offer that waits for its answer. */
  let offerId: string | null = null;
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  let answeredWith: string | undefined;
  let ignoringOffer = false;
  const early: RTCIceCandidateInit[] = [];
  let restarts = 0;

  function enqueue(what: string, run: () => Promise<void>): void {
    queue = queue
      .then(() => (closed ? undefined : run()))
      .catch((error: unknown) => options.onProblem(`${what}: ${error instanceof Error ? error.message : error}`));
  }

  async function makeOffer(): Promise<void> {
    // A negotiation is under way. The event fires again when it has ended (W3C WebRTC 1.0, 4.7.3).
    if (connection.signalingState !== "stable") return;
    await connection.setLocalDescription();
    offers += 1;
    offerId = `${instance}-${offers}`;
    sendOffer(0);
  }

  /** A replica's ack is not a receipt. Only the answer shows that an offer arrived. */
  function sendOffer(repeats: number): void {
    clearTimeout(unanswered);
    const id = offerId;
    const isOpen = () => id !== null && id === offerId && connection.signalingState === "have-local-offer";
    if (!isOpen()) return;
    void send("offer", { description: connection.localDescription, offerId: id }).then(() => {
      if (!isOpen() || repeats === offerRepeats) return;
      clearTimeout(unanswered);
      unanswered = setTimeout(() => sendOffer(repeats + 1), answerWithinMs * 2 ** repeats);
    });
  }

  async function takeOffer(description: RTCSessionDescriptionInit, id: string | undefined): Promise<void> {
    const offer = theirs.take(id ?? description.sdp ?? "");
    if (offer === "outdated") return;
    if (offer !== "new") {
      void send("answer", offer.answer);
      return;
    }
    ignoringOffer = !polite && connection.signalingState === "have-local-offer";
    if (ignoringOffer) {
      theirs.lost();
      return;
    }
    await takeRemote(description);
    // This rolls back an open local offer.
    offerId = null;
    clearTimeout(unanswered);
    await connection.setLocalDescription();
    const answer = { description: connection.localDescription, ...(id === undefined ? {} : { offerId: id }) };
    theirs.answered(answer);
    void send("answer", answer);
  }

  async function takeAnswer(description: RTCSessionDescriptionInit, id: string | undefined): Promise<void> {
    if (connection.signalingState !== "have-local-offer") return;
    if (id === undefined ? description.sdp === answeredWith : id !== offerId) return;
    await takeRemote(description);
    answeredWith = description.sdp;
    offerId = null;
    clearTimeout(unanswered);
  }

  /** A candidate can overtake its description, and then waits for it. */
  async function takeCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    const { remoteDescription: remote } = connection;
    const { usernameFragment: ufrag } = candidate;
    if (remote === null || (typeof ufrag === "string" && !remote.sdp.split(/\s/).includes(`a=ice-ufrag:${ufrag}`))) {
      early.push(candidate);
      // Candidates of an offer that lost the collision, or was abandoned, never find their description.
      if (early.length > earlyLimit) early.shift();
      return;
    }
    try {
      await connection.addIceCandidate(candidate);
    } catch (error) {
      if (!ignoringOffer) throw error;
    }
  }

  async function takeRemote(description: RTCSessionDescriptionInit): Promise<void> {
    await connection.setRemoteDescription(description);
    for (const candidate of early.splice(0)) enqueue("candidate", () => takeCandidate(candidate));
  }

  connection.onnegotiationneeded = () => enqueue("offer", makeOffer);
  connection.onicecandidate = ({ candidate }) => {
    if (candidate !== null) void send("candidate", { candidate });
  };
  connection.ontrack = ({ track, streams: [stream] }) => {
    if (stream !== undefined) options.onTrack(track, stream);
  };
  connection.onconnectionstatechange = options.onChange;
  connection.onsignalingstatechange = options.onChange;
  connection.oniceconnectionstatechange = () => {
    if (connection.iceConnectionState === "failed") restartIce();
    options.onChange();
  };

  function restartIce(): void {
    restarts += 1;
    connection.restartIce();
  }

  return {
    connection,
    restartIce,
    /** Number of ICE restarts. */
    restarts: () => restarts,
    /** Handles an `offer`, `answer` or `candidate` of this link's peer. */
    receive(event: RelayEvent, signal: DeliveredSignal): void {
      const { description, candidate } = signal as {
        description?: RTCSessionDescriptionInit;
        candidate?: RTCIceCandidateInit;
      };
      const id = typeof signal["offerId"] === "string" ? signal["offerId"] : undefined;
      if (event === "offer" && description) enqueue(event, () => takeOffer(description, id));
      if (event === "answer" && description) enqueue(event, () => takeAnswer(description, id));
      if (event === "candidate" && candidate) enqueue(event, () => takeCandidate(candidate));
    },
    /** Called after an outage of either side: an unanswered offer may have been lost with the old replica. */
    signalingIsBack: (): void => sendOffer(0),
    /** The new servers apply to the next gathering. The current path stays. */
    useIceServers(iceServers: IceServer[]): void {
      if (connection.connectionState !== "closed") connection.setConfiguration({ iceServers });
    },
    close(): void {
      closed = true;
      clearTimeout(unanswered);
      connection.close();
    },
  };
}

export type PeerLink = ReturnType<typeof createPeerLink>;
