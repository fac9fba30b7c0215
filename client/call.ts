import type { IceServer } from "../common/protocol.ts";
import { createEvents } from "./events.ts";
import { type CreateConnection, createPeerLink, type PeerLink } from "./peer-link.ts";
import { createSignalingClient } from "./signaling-client.ts";
import type { SignalingOptions } from "./signaling-contract.ts";

/**
 * - `idle`: not started
 * - `joining`: the join is under way
 * - `calling`: in the room, without another peer or without media yet
 * - `connected`: media and signaling both work
 * - `signaling-lost`: signaling is lost; media goes on
 * - `ended`: hung up, superseded or refused
 */
export type CallState = "idle" | "joining" | "calling" | "connected" | "signaling-lost" | "ended";

/**
 * The polite peer waits this long for the other's first offer, ms. Of two simultaneous first offers one is rolled back,
 * and Chromium sometimes never ends the gathering after that (ICE stays `new` on both sides).
 */
const firstOfferWithinMs = 2_000;

export interface CallEvents {
  state: CallState;
  /** A connection to a peer was created, changed one of its states, or ended. */
  link: { peerId: string; link: PeerLink };
  /** A media track of a peer. A peer that shares its screen has a second stream. */
  track: { peerId: string; track: MediaStreamTrack; stream: MediaStream };
  /** The peer hung up and its media has ended. */
  gone: { peerId: string };
  /** An error from which the call recovers. */
  problem: { message: string };
}

export interface CallOptions extends SignalingOptions {
  /** In a browser: `(configuration) => new RTCPeerConnection(configuration)`. */
  createConnection: CreateConnection;
  /** The local media; may be empty for a call that only listens. */
  stream: MediaStream;
}

/**
 * A call in a room: one RTCPeerConnection to each other peer. Signaling may be lost and come back.
 *
 * Each peer gets one connection, which is kept while the peer keeps its id. A `disconnect`, `peer-away`, or `peer-left`
 * of a lost peer does not close it. It ends with the peer's `bye` or `leave`, or when it has failed and the peer is no
 * longer in the room.
 */
export function createCall(options: CallOptions) {
  const signaling = createSignalingClient(options);
  const events = createEvents<CallEvents>();
  const links = new Map<string, PeerLink>();
  /** The tracks sent to every peer, each with its stream. */
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

  /** A peer is present, for the first time or again. */
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
    // TURN credentials expire, so an ICE restart hours later needs those of the last join.
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
    // Another tab of this peer took over and negotiates its own media, so this call ends. A refusal ends it too.
    for (const peerId of [...waits.keys()]) stopWaiting(peerId);
    for (const peerId of [...links.keys()]) drop(peerId);
    if (error !== undefined) events.emit("problem", { message: `${reason}: ${error.message}` });
    update();
  });

  return {
    on: events.on,
    /** The signaling client, for data that the call does not report: the replica, outages, presence. */
    signaling,
    state: () => state,
    links: (): ReadonlyMap<string, PeerLink> => links,
    join: (roomId: string) => signaling.join(roomId),
    /** Restarts ICE on every connection, with a new offer and answer. */
    restartIce(): void {
      for (const link of links.values()) link.restartIce();
    },
    /** Sends one more track, such as a shared screen, to every peer, also to peers that join later. */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void {
      own.set(track, stream);
      for (const { connection } of links.values()) connection.addTrack(track, stream);
    },
    /** Stops sending that track. */
    removeTrack(track: MediaStreamTrack): void {
      own.delete(track);
      for (const { connection } of links.values())
        for (const sender of connection.getSenders()) if (sender.track === track) connection.removeTrack(sender);
    },
    /** For `pagehide`: sends `bye` and ends everything at once, without waiting. */
    depart: (): void => signaling.depart(),
    /** Sends `bye`, leaves the room, and ends every connection. */
    async hangUp(): Promise<void> {
      if (signaling.state() === "joined") await signaling.send("bye", {});
      await signaling.close();
    },
  };
}

export type Call = ReturnType<typeof createCall>;
