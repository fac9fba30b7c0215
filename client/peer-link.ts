import type { DeliveredSignal, IceServer, RelayEvent } from "../common/protocol.ts";
import { createOffersOfPeer } from "./offers-of-peer.ts";

/** An offer without an answer is sent again after this, doubled each time, ms. */
const answerWithinMs = 1_500;
/** So often; after that it waits for `signalingIsBack`. */
const offerRepeats = 4;
/** Candidates that wait for their description. */
const earlyLimit = 100;

/** What a link needs of an RTCPeerConnection: the browser's own, or one with the same interface. */
export type CreateConnection = (configuration: { iceServers: IceServer[] }) => RTCPeerConnection;

export interface PeerLinkOptions {
  /** Perfect negotiation: of two peers exactly one is polite and gives way when both offer at once. */
  polite: boolean;
  createConnection: CreateConnection;
  iceServers: IceServer[];
  /** Sends to the peer of this link; resolves when it was acknowledged or given up. */
  send(event: RelayEvent, signal: Record<string, unknown>): Promise<void>;
  onTrack(track: MediaStreamTrack, stream: MediaStream): void;
  /** A state of the connection changed: `connectionState`, `iceConnectionState` or `signalingState`. */
  onChange(): void;
  /** Something went wrong that the link got over, or will by a restart. */
  onProblem(message: string): void;
}

/**
 * One RTCPeerConnection to one peer, by perfect negotiation (W3C WebRTC 1.0, section 10.7). It lives as long as the
 * call: signaling that comes and goes does not touch it. ICE is restarted when ICE has failed, and only then.
 *
 * Each offer has a name, `offerId`, which its answer repeats: on a slow network an answer may come after the offer that
 * it belongs to was given up. Names are opaque. Descriptions without one, of other clients, are told apart by their
 * text.
 */
export function createPeerLink(options: PeerLinkOptions) {
  const { polite, send } = options;
  const connection = options.createConnection({ iceServers: options.iceServers });
  const instance = Math.floor(Math.random() * 2 ** 48).toString(36);
  const theirs = createOffersOfPeer();
  /** Everything that touches the descriptions, one at a time, in the order in which it came. */
  let queue = Promise.resolve();
  let closed = false;
  let offers = 0;
  /** Name of our offer that waits for its answer. */
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
    // A negotiation is under way: the event fires again when it has ended (W3C WebRTC 1.0, 4.7.3).
    if (connection.signalingState !== "stable") return;
    await connection.setLocalDescription();
    offers += 1;
    offerId = `${instance}-${offers}`;
    sendOffer(0);
  }

  /** A replica's acknowledgement is no receipt. The answer shows that an offer arrived. */
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
    // An offer of our own that was open is rolled back by that.
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

  /** A candidate can overtake the description that it belongs to: it waits until that is there. */
  async function takeCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    const { remoteDescription: remote } = connection;
    const { usernameFragment: ufrag } = candidate;
    if (remote === null || (typeof ufrag === "string" && !remote.sdp.split(/\s/).includes(`a=ice-ufrag:${ufrag}`))) {
      early.push(candidate);
      // Those of an offer that lost the collision, or was given up, wait for ever.
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
    /** How often ICE was restarted. */
    restarts: () => restarts,
    /** An `offer`, `answer` or `candidate` of this link's peer. */
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
    /** For the next gathering: the path in use stays. */
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
