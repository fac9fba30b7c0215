import { createSignalingClient, type SignalingClient, type SignalingOptions } from "../../client/signaling-client.ts";
import { until } from "../support/poll.ts";

/** A client of the proxy that records its offers, losses and outages. */
export interface Peer {
  client: SignalingClient;
  /** Numbers of the received offers, in order of arrival. */
  got: number[];
  /** Number of lost sockets. */
  lost(): number;
  /** Peers announced after its own join. */
  met: Set<string>;
  /** Lengths of its ended outages, ms. */
  outages: number[];
}

/** Joins a room. The test must close the peer's client. */
export async function joinRoom(room: string, options: SignalingOptions): Promise<Peer> {
  const client = createSignalingClient(options);
  const got: number[] = [];
  const outages: number[] = [];
  const met = new Set<string>();
  let lost = 0;
  client.on("signal", ({ event, ...signal }) => {
    if (event === "offer") got.push(Number(signal["number"]));
  });
  client.on("peer-joined", ({ peerId }) => met.add(peerId));
  client.on("lost", () => {
    lost += 1;
  });
  client.on("joined", ({ outageMs }) => {
    if (outageMs !== null) outages.push(outageMs);
  });
  client.join(room);
  await until("the peer has joined", () => client.state() === "joined");
  return { client, got, met, outages, lost: () => lost };
}

/** Two peers of a room on different replicas. New peers join until their route keys lead to two replicas. */
export async function joinApart(room: string, options: SignalingOptions): Promise<[Peer, Peer]> {
  const a = await joinRoom(room, options);
  for (let tries = 0; tries < 30; tries += 1) {
    const b = await joinRoom(room, options);
    if (b.client.node() !== a.client.node()) {
      // From then on a signal of one peer reaches the other.
      await until("each replica knows of the other's peer", () => a.met.has(b.client.peerId() ?? ""));
      return [a, b];
    }
    await b.client.close();
  }
  throw new Error(`30 peers in a row were routed to ${a.client.node()}`);
}

/** Sends offers numbered from `from` up to, not including, `to`. Resolves when each is acknowledged. */
export async function sendNumbered({ client }: Peer, from: number, to: number): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  const acks = await Promise.all(numbers.map((number) => client.send("offer", { number })));
  const refused = acks.find((ack) => !ack.ok);
  if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused)}`);
}
