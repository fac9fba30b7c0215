import { createClient } from "redis";
import type { Attack, Attacker } from "../../ops/hostile/attacker.ts";
import { over } from "../../ops/hostile/wire.ts";
import { backplaneKey, createEnvelope } from "../../services/signaling/backplane/envelope.ts";
import type { TestStack } from "../support/stack.ts";

const gossipChannel = "socket.io-request#/signaling#";
const relayChannels = /^(socket\.io#|room:)/;
/** Time of listening before the first message, ms. */
const listenMs = 600;

/** An attacker that may publish at Redis and does not have the replicas' key. */
interface Stranger {
  /** The messages on the backplane while it listened. */
  heard: [channel: string, message: Buffer][];
  publish(channel: string, message: Buffer): Promise<void>;
}

const forging = (
  name: string,
  stack: () => TestStack,
  say: (stranger: Stranger, attacker: Attacker) => Promise<void>,
): Attack => ({
  name,
  guard: "backplane",
  forMs: 1_800,
  async run(attacker) {
    const { url } = stack().redis;
    const [writer, listener] = [createClient({ url }), createClient({ url })];
    for (const client of [writer, listener]) client.on("error", () => client.destroy());
    await Promise.all([writer.connect(), listener.connect()]);
    try {
      const heard: Stranger["heard"] = [];
      await listener.pSubscribe("*", (message, channel) => heard.push([channel.toString(), message]), true);
      await new Promise((resolve) => setTimeout(resolve, listenMs));
      await listener.pUnsubscribe();
      const publish = async (channel: string, message: Buffer) => {
        await writer.publish(channel, message);
        attacker.count("sent");
      };
      await say({ heard, publish }, attacker);
      await over(attacker.signal);
    } finally {
      writer.destroy();
      listener.destroy();
    }
  },
});

/** A valid envelope with the public development key. */
const sealed = (channel: string, payload: Buffer | string) =>
  createEnvelope(backplaneKey({})).seal(channel, payload, Date.now());

/** An envelope begins with 24 bytes of header and ends with a MAC of 16 bytes. Neither contains the channel. */
const payloadOf = (message: Buffer) => message.subarray(24, -16);

const gossip = (message: unknown) => JSON.stringify({ uid: "stranger", type: 6, data: ["presence", message] });

/** Members of that room, according to the replicas. */
async function membersOf(stack: TestStack, roomId: string): Promise<{ peerId: string; node: string }[]> {
  const answer = await fetch(`${stack.replicas[0]?.adminUrl}/rooms/${encodeURIComponent(roomId)}`);
  return ((await answer.json()) as { members: { peerId: string; node: string }[] }).members;
}

/** Attacks by a client of Redis. */
export const backplaneAttacks = (stack: () => TestStack): readonly Attack[] => [
  forging("forges gossip: every peer has left, is away, has joined elsewhere", stack, async (stranger, attacker) => {
    for (const roomId of attacker.target.rooms)
      for (const { peerId, node } of await membersOf(stack(), roomId)) {
        const entry = { node, roomId, peerId };
        const member = { roomId, peerId, kind: "ws", since: Date.now() + 1_000, away: false };
        for (const message of [
          { type: "left", reason: "left", ...entry },
          { type: "away", reason: "disconnected", ...entry },
          { type: "joined", life: "x", resumed: true, ...member, node: "signaling-3" },
          { type: "snapshot", node, life: "x", id: 1, members: [], last: true },
        ]) {
          await stranger.publish(gossipChannel, sealed(gossipChannel, gossip(message)));
          await stranger.publish(gossipChannel, Buffer.from(gossip(message)));
        }
      }
  }),
  forging("forges relays, canaries and all else that it has heard", stack, async (stranger) => {
    for (const [channel, message] of stranger.heard) {
      await stranger.publish(channel, sealed(channel, payloadOf(message)));
      await stranger.publish(channel, payloadOf(message));
    }
  }),
  forging("forges frames that end sockets", stack, async (stranger, attacker) => {
    const channels = [
      ...new Set(stranger.heard.map(([channel]) => channel).filter((name) => relayChannels.test(name))),
    ];
    for (const channel of channels)
      for (const text of ["41/signaling,", '42/signaling,["superseded",{}]', '{"event":"superseded","data":{}}'])
        await stranger.publish(channel, sealed(channel, text));
    // Requests to disconnect, leave and join, in the form of the adapter's own (RequestType of the Redis adapter).
    for (const roomId of attacker.target.rooms)
      for (const request of [
        { type: 4, opts: { rooms: [`r:${roomId}`], except: [] }, close: true },
        { type: 3, opts: { rooms: [`r:${roomId}`], except: [] }, rooms: [`r:${roomId}`] },
        { type: 2, opts: { rooms: [`r:${roomId}`], except: [] }, rooms: ["r:elsewhere"] },
      ])
        await stranger.publish(gossipChannel, sealed(gossipChannel, JSON.stringify({ uid: "stranger", ...request })));
  }),
  forging("says again what it has heard, at once and in other channels", stack, async (stranger) => {
    const channels = [...new Set(stranger.heard.map(([channel]) => channel))];
    for (const [channel, message] of stranger.heard) {
      await stranger.publish(channel, message);
      await stranger.publish(channels[(channels.indexOf(channel) + 1) % channels.length] as string, message);
    }
  }),
  forging("floods noise into every channel", stack, async (stranger, attacker) => {
    const channels = [...new Set([...stranger.heard.map(([channel]) => channel), gossipChannel])];
    for (let round = 0; round < 100 && !attacker.signal.aborted; round += 1)
      await Promise.all(channels.map((channel) => stranger.publish(channel, Buffer.alloc(2_000, round))));
  }),
];
