import type { DeliveredSignal, IceServer, RelayEvent } from "../common/protocol.ts";

/** An offer without an answer is sent again after this, doubled each time, ms. */
const answerWithinMs = 1_500;
/** So often; after that it waits for `signalingIsBack`. */
const offerRepeats = 4;

/** What a link needs of an RTCPeerConnection: the browser's own, or one with the same interface. */
export type CreateConnection = (configuration: { iceServers: IceServer[] }) => RTCPeerConnection;

export interface PeerLinkOptions {
  /** Perfect negotiation: of two peers exactly one is polite and gives way when both offer at once. */
  polite: boolean;
  createConnection: CreateConnection;
  iceServers: IceServer[];
  /** Sends to the peer of this link. */
  send(event: RelayEvent, signal: Record<string, unknown>): void;
  onTrack(stream: MediaStream): void;
  /** A state of the connection changed: `connectionState`, `iceConnectionState` or `signalingState`. */
  onChange(): void;
  /** Something went wrong that the link got over, or will by a restart. */
  onProblem(message: string): void;
}

/**
 * One RTCPeerConnection to one peer, by perfect negotiation (W3C WebRTC 1.0, section 10.7). It lives as long as the
 * call: signaling that comes and goes does not touch it. ICE is restarted when ICE has failed, and only then.
 */
export function createPeerLink(options: PeerLinkOptions) {
  const { polite, send } = options;
  const connection = options.createConnection({ iceServers: options.iceServers });
  let makingOffer = false;
  let ignoringOffer = false;
  let settingAnswer = false;
  let restarts = 0;
  let unanswered: ReturnType<typeof setTimeout> | undefined;

  const attempt = (what: string, run: () => Promise<void>) =>
    run().catch((error: unknown) => options.onProblem(`${what}: ${error instanceof Error ? error.message : error}`));

  /** An acknowledgement of the replica is no receipt: what shows that an offer arrived is its answer. */
  function sendDescription(repeats = 0): void {
    clearTimeout(unanswered);
    const { localDescription: description } = connection;
    if (description === null) return;
    send(description.type === "offer" ? "offer" : "answer", { description });
    if (description.type !== "offer" || repeats === offerRepeats) return;
    unanswered = setTimeout(
      () => {
        if (connection.signalingState === "have-local-offer") sendDescription(repeats + 1);
      },
      answerWithinMs * 2 ** repeats,
    );
  }

  connection.onnegotiationneeded = () =>
    attempt("offer", async () => {
      makingOffer = true;
      try {
        await connection.setLocalDescription();
        sendDescription();
      } finally {
        makingOffer = false;
      }
    });
  connection.onicecandidate = ({ candidate }) => {
    if (candidate !== null) send("candidate", { candidate });
  };
  connection.ontrack = ({ streams: [stream] }) => {
    if (stream !== undefined) options.onTrack(stream);
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

  async function describe(description: RTCSessionDescriptionInit): Promise<void> {
    // An answer that is being set makes the connection stable before an offer behind it is looked at.
    const ready = !makingOffer && (connection.signalingState === "stable" || settingAnswer);
    ignoringOffer = description.type === "offer" && !ready && !polite;
    if (ignoringOffer) return;
    // A repeated answer, or one to an offer that was rolled back.
    if (description.type === "answer" && connection.signalingState !== "have-local-offer") return;
    settingAnswer = description.type === "answer";
    try {
      await connection.setRemoteDescription(description);
    } finally {
      settingAnswer = false;
    }
    if (description.type !== "offer") return;
    await connection.setLocalDescription();
    sendDescription();
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
      if ((event === "offer" || event === "answer") && description !== undefined)
        void attempt(event, () => describe(description));
      if (event === "candidate" && candidate !== undefined)
        void attempt(event, async () => {
          try {
            await connection.addIceCandidate(candidate);
          } catch (error) {
            // Candidates of an offer that lost the collision are expected to fail.
            if (!ignoringOffer) throw error;
          }
        });
    },
    /** After an outage of either side: an offer that nobody has answered may have been lost with the old replica. */
    signalingIsBack(): void {
      if (connection.signalingState === "have-local-offer") sendDescription();
    },
    /** For the next gathering: the path in use stays. */
    useIceServers(iceServers: IceServer[]): void {
      if (connection.connectionState !== "closed") connection.setConfiguration({ iceServers });
    },
    close(): void {
      clearTimeout(unanswered);
      connection.close();
    },
  };
}

export type PeerLink = ReturnType<typeof createPeerLink>;
