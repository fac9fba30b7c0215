import type { Backplane } from "./backplane.ts";

/** The channel of a single replica. */
const channelOf = (nodeId: string) => `hold-the-line:replica:${nodeId}`;

/** First byte of gossip (a JSON object), and of a relay. */
const gossipByte = 0x7b;
const relayByte = 0x01;

/** Messages to one replica: answers to its gossip, and relays for its members. */
export interface ReplicaChannels {
  gossip(to: string, gossip: unknown): void;
  /** @param relay begins with a free byte for the mark */
  relay(to: readonly string[], relay: Buffer): void;
}

/** A channel for each replica, so that a message for one replica has no cost for the others. */
export function createReplicaChannels(backplane: Backplane): ReplicaChannels {
  return {
    gossip: (to, gossip) => backplane.fire(channelOf(to), JSON.stringify(gossip)),
    relay(to, relay) {
      relay[0] = relayByte;
      for (const node of to) backplane.fire(channelOf(node), relay);
    },
  };
}

/** Listens on this replica's own channel. The backplane drops and counts a message for which a listener throws. */
export async function openInbox(
  backplane: Backplane,
  nodeId: string,
  { onGossip, onRelay }: { onGossip: (gossip: unknown) => void; onRelay: (relay: Buffer, transitMs: number) => void },
): Promise<void> {
  await backplane.listen(channelOf(nodeId), (payload, transitMs) => {
    if (payload[0] === gossipByte) onGossip(JSON.parse(payload.toString("utf8")));
    else if (payload[0] === relayByte) onRelay(payload, transitMs);
    else throw new TypeError("neither gossip nor a relay");
  });
}
