import { createSignalingClient } from "../../../client/signaling-client.ts";
import type { RelayEvent } from "../../../common/protocol.ts";
import type { PeerKind } from "./peer-kind.ts";

/** Speaks this project's signaling protocol (docs/signaling-protocol.md), by the client library. */
export const signalingPeer: PeerKind = {
  capabilities: { signals: true, media: true },
  connect({ urls, transports, cookies, rejoin, random, query, token }, events) {
    const client = createSignalingClient({
      urls,
      transports,
      cookies,
      rejoin,
      random,
      ...(token === undefined ? {} : { token }),
      ...(query === undefined ? {} : { query }),
    });
    client.on("lost", ({ at, reason }) => events.lost(at, reason));
    client.on("joined", ({ node, peerId, peers }) => events.joined({ node, peerId, peers: peers.length }));
    client.on("ended", () => events.ended());
    client.on("peer-joined", () => events.peerJoined());
    client.on("signal", ({ event, ...signal }) => events.received(event, signal));
    client.on("emitted", ({ signal }) => events.emitted(signal));
    return {
      join: (roomId) => client.join(roomId),
      send: (event, signal) => client.send(event as RelayEvent, signal),
      close: () => client.close(),
    };
  },
};
