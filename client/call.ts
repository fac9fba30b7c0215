import type { IceServer } from "../common/protocol.ts";
import { createEvents } from "./events.ts";
import { type CreateConnection, createPeerLink, type PeerLink } from "./peer-link.ts";
import { createSignalingClient } from "./signaling-client.ts";
import type { SignalingOptions } from "./signaling-contract.ts";

/**
 * - `idle`: not begun
 * - `joining`: on the way into the room
 * - `calling`: in the room; nobody there, or media on its way
 * - `connected`: media and signaling are both there
 * - `signaling-lost`: signaling is gone; media goes on
 * - `ended`: hung up, superseded or refused
 */
export type CallState = "idle" | "joining" | "calling" | "connected" | "signaling-lost" | "ended";

/**
 * The polite peer leaves the first offer to the other for so long, ms: of two first offers at once one is rolled back,
 * and Chromium at times never ends the gathering after that (ICE stays `new` on both sides).
 */
const firstOfferWithinMs = 2_000;

export interface CallEvents {
  state: CallState;
  /** A connection to a peer began, changed one of its states, or ended. */
  link: { peerId: string; link: PeerLink };
  /** Media of a peer: one event for each track. A peer that shares its screen has a second stream. */
  track: { peerId: string; track: MediaStreamTrack; stream: MediaStream };
  /** The peer hung up: its media is over. */
  gone: { peerId: string };
  /** Something went wrong that the call gets over. */
  problem: { message: string };
}

export interface CallOptions extends SignalingOptions {
  /** The browser's: `(configuration) => new RTCPeerConnection(configuration)`. */
  createConnection: CreateConnection;
  /** Own media; may be empty for a call that only listens. */
  stream: MediaStream;
}

/**
 * A call in a room: one RTCPeerConnection to each other peer, over signaling that may come and go.
 *
 * A connection is made once a peer and kept while that peer keeps its id: neither a `disconnect` nor `peer-away` nor
 * the `peer-left` of a lost peer closes it. It ends with the peer's `bye` or `leave`, or when it has failed and the
 * peer is no longer in the room.
 */
export function createCall(options: CallOptions) {
  const signaling = createSignalingClient(options);
  const events = createEvents<CallEvents>();
  const links = new Map<string, PeerLink>();
  /** What is sent to everybody, and the stream that each track belongs to. */
  const own = new Map(options.stream.getTracks().map((track) => [track, options.stream]));
  const present = new Set<string>();
  const waits = new Map<string, ReturnType<typeof setTimeout>>();
  let iceServers: IceServer[] = [];
  let state: CallState = "idle";

  function update(): void {
    const media = [...links.values()].some(({ connection }) => connection.connectionState === "connected");
    const signalingState = signaling.state();
    const next: CallState =
      signalingState === "joined"
        ? media
          ? "connected"
          : "calling"
        : signalingState === "lost"
          ? "signaling-lost"
          : signalingState;
    if (next === state) return;
    state = next;
    events.emit("state", state);
  }

  const politeTo = (peerId: string) => (signaling.peerId() ?? "") > peerId;

  /** A peer is there, for the first time or again. */
  function meet(peerId: string): void {
    const link = links.get(peerId);
    if (link !== undefined) link.signalingIsBack();
    else if (!politeTo(peerId)) linkTo(peerId);
    else if (!waits.has(peerId))
      waits.set(
        peerId,
        setTimeout(() => linkTo(peerId), firstOfferWithinMs),
      );
  }

  function stopWaiting(peerId: string): void {
    clearTimeout(waits.get(peerId));
    waits.delete(peerId);
  }

  function linkTo(peerId: string): PeerLink {
    stopWaiting(peerId);
    const known = links.get(peerId);
    if (known !== undefined) return known;
    const link = createPeerLink({
      polite: politeTo(peerId),
      createConnection: options.createConnection,
      iceServers,
      async send(event, signal) {
        const ack = await signaling.send(event, { ...signal, to: peerId });
        if (!ack.ok) events.emit("problem", { message: `${event}: ${ack.error.code} (${ack.error.message})` });
      },
      onTrack: (track, stream) => events.emit("track", { peerId, track, stream }),
      onChange() {
        if (link.connection.connectionState === "failed" && !present.has(peerId)) drop(peerId);
        else events.emit("link", { peerId, link });
        update();
      },
      onProblem: (message) => events.emit("problem", { message }),
    });
    links.set(peerId, link);
    for (const [track, stream] of own) link.connection.addTrack(track, stream);
    events.emit("link", { peerId, link });
    return link;
  }

  function drop(peerId: string): void {
    const link = links.get(peerId);
    if (link === undefined) return;
    links.delete(peerId);
    link.close();
    events.emit("gone", { peerId });
    update();
  }

  signaling.on("state", update);
  signaling.on("joined", ({ peers, iceServers: given }) => {
    iceServers = given ?? [];
    // TURN credentials expire: a restart of ICE, hours on, needs the ones of the last join.
    for (const link of links.values()) link.useIceServers(iceServers);
    for (const { peerId, away } of peers) {
      present.add(peerId);
      if (away !== true) meet(peerId);
      else links.get(peerId)?.signalingIsBack();
    }
  });
  signaling.on("peer-joined", ({ peerId }) => {
    present.add(peerId);
    meet(peerId);
  });
  signaling.on("peer-left", ({ peerId, reason }) => {
    present.delete(peerId);
    stopWaiting(peerId);
    const media = links.get(peerId)?.connection.connectionState;
    if (reason === "left" || media === "failed") drop(peerId);
  });
  signaling.on("signal", (signal) => {
    if (signal.event === "bye") drop(signal.from);
    else linkTo(signal.from).receive(signal.event, signal);
  });
  signaling.on("ended", ({ reason, error }) => {
    // Another tab of this peer took over: its media is negotiated anew, ours is over. A refusal ends the call too.
    for (const peerId of [...waits.keys()]) stopWaiting(peerId);
    for (const peerId of [...links.keys()]) drop(peerId);
    if (error !== undefined) events.emit("problem", { message: `${reason}: ${error.message}` });
    update();
  });

  return {
    on: events.on,
    /** The signaling client, for what the call does not report: the replica, outages, presence. */
    signaling,
    state: () => state,
    links: (): ReadonlyMap<string, PeerLink> => links,
    join: (roomId: string) => signaling.join(roomId),
    /** Restarts ICE on every connection: a fresh offer and answer. */
    restartIce(): void {
      for (const link of links.values()) link.restartIce();
    },
    /** Sends one more track, such as a shared screen, to every peer, also to peers that join later. */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void {
      own.set(track, stream);
      for (const { connection } of links.values()) connection.addTrack(track, stream);
    },
    /** Sends that track no longer. */
    removeTrack(track: MediaStreamTrack): void {
      own.delete(track);
      for (const { connection } of links.values())
        for (const sender of connection.getSenders()) if (sender.track === track) connection.removeTrack(sender);
    },
    /** For `pagehide`: says `bye` and ends everything at once, without waiting for anything. */
    depart: (): void => signaling.depart(),
    /** Says `bye`, leaves the room, ends every connection. */
    async hangUp(): Promise<void> {
      if (signaling.state() === "joined") await signaling.send("bye", {});
      await signaling.close();
    },
  };
}

export type Call = ReturnType<typeof createCall>;
