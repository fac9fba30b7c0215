import { randomBytes } from "node:crypto";
import type { PeerKind } from "../../services/caller/peers/peer-kind.ts";
import { websocketPeer } from "../../services/caller/peers/websocket-peer.ts";

/** A plain WebSocket peer for PeerJS' server, which requires an id and a token chosen by the client. */
export const peer: PeerKind = {
  capabilities: websocketPeer.capabilities,
  connect(options, events) {
    const query = {
      ...options.query,
      key: "peerjs",
      id: randomBytes(8).toString("hex"),
      token: randomBytes(8).toString("hex"),
    };
    return websocketPeer.connect({ ...options, query }, events);
  },
};
