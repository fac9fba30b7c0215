import { createClient } from "redis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { backplaneKey, createEnvelope } from "../../services/signaling/backplane/envelope.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

const env = { BACKPLANE_SECRET: "what the replicas share" };
const gossipChannel = "socket.io-request#/signaling#";
let redis: RedisServer;
let replicas: Replica[];
let peers: SocketIoPeer[];
let stranger: Stranger;

beforeEach(async () => {
  redis = await startRedisServer();
  replicas = [];
  peers = [];
  stranger = await connectStranger();
});
afterEach(async () => {
  for (const peer of peers) peer.close();
  stranger.close();
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

type Stranger = Awaited<ReturnType<typeof connectStranger>>;
/** A program with a replica's rights at Redis, but without the key. It records the messages. */
async function connectStranger() {
  const [writer, listener] = [createClient({ url: redis.url }), createClient({ url: redis.url })];
  for (const client of [writer, listener]) client.on("error", () => client.destroy());
  await Promise.all([writer.connect(), listener.connect()]);
  const heard: [channel: Buffer, message: Buffer][] = [];
  await listener.pSubscribe("*", (message, channel) => heard.push([channel, message]), true);
  return {
    writer,
    heard,
    /** Publishes its recorded messages of a channel again, those from `since` on, there or on all of `channels`. */
    async repeat(from: string, channels: readonly string[] = [from], since = 0): Promise<number> {
      const recorded = heard.slice(since).filter(([channel]) => String(channel).startsWith(from));
      const messages = recorded.map(([, message]) => message);
      for (const channel of channels) for (const message of messages) await writer.publish(channel, message);
      return messages.length;
    },
    close() {
      writer.destroy();
      listener.destroy();
    },
  };
}

async function start(nodeId: string, more: Record<string, string> = {}): Promise<Replica> {
  const replica = await startReplica(nodeId, redis.url, { ...env, ...more });
  replicas.push(replica);
  return replica;
}
async function join(replica: Replica, options = {}) {
  const peer = await connectSocketIo(replica.url);
  peers.push(peer);
  return joinRoom(peer, "room", options);
}
const dropped = (replica: Replica, reason: string) =>
  readMetric(replica, "signaling_backplane_dropped_total", { reason });

test("a client of Redis cannot impersonate a replica: forged gossip ends no peer and is counted", async () => {
  const one = await start("signaling-1");
  const two = await start("signaling-2");
  const [a, b] = [await join(one), await join(two)];
  await until("they see each other", () => a.got("peer-joined").length === 1);
  const left = { type: "left", node: "signaling-2", roomId: "room", peerId: b.peerId, reason: "left" };
  const request = JSON.stringify({ uid: "stranger", type: 6, data: ["presence", left] });
  const withKey = (secret: string) =>
    createEnvelope(backplaneKey({ BACKPLANE_SECRET: secret })).seal(gossipChannel, request, Date.now());
  await stranger.writer.publish(gossipChannel, withKey("what a stranger guesses"));
  await until("it is counted", async () => (await dropped(one, "forged")) === 1);
  await until("the log says what to do", () => one.program.output().includes("BACKPLANE_SECRET"));
  expect(a.got("peer-left")).toEqual([]);
  // The same message with the key is accepted.
  await stranger.writer.publish(gossipChannel, withKey(env.BACKPLANE_SECRET));
  await until("b has left", () => a.got("peer-left").length === 1);
});

test("copies have no effect: no signal is doubled, no peer ends", async () => {
  const one = await start("signaling-1");
  const two = await start("signaling-2");
  const [a, b] = [await join(one), await join(two)];
  await until("they see each other", () => a.got("peer-joined").length === 1);
  const signals = "hold-the-line:replica:signaling-2";
  const since = stranger.heard.length;
  expect(await a.send("offer", { roomId: "room", n: 1 })).toEqual({ ok: true });
  await until("b has it", () => b.got("offer").length === 1);
  await until("the stranger too", () => stranger.heard.slice(since).some(([channel]) => String(channel) === signals));
  const channels = [...new Set(stranger.heard.map(([channel]) => String(channel)))];
  const copies = await stranger.repeat(signals, channels, since);
  await until("the copies are counted", async () => (await dropped(two, "replayed")) >= copies);
  await until("that of another channel too", async () => (await dropped(two, "forged")) >= 1);

  // b leaves and comes back. Then its leave is published again.
  await b.socket.emitWithAck("leave", "room");
  await until("b has left", () => a.got("peer-left").length === 1);
  await joinRoom(b, "room");
  await until("b is back", () => a.got("peer-joined").length === 2);
  const before = await readMetric(one, "signaling_backplane_dropped_total");
  const repeated = await stranger.repeat(gossipChannel);
  expect(repeated).toBeGreaterThan(2);
  await until("none of the copies is heard", async () => {
    return (await readMetric(one, "signaling_backplane_dropped_total")) === before + repeated;
  });
  expect(await a.send("offer", { roomId: "room", n: 2 })).toEqual({ ok: true });
  await until("b has the next one", () => b.got("offer").some(({ n }) => n === 2));
  expect(b.got("offer").map(({ n }) => n)).toEqual([1, 2]);
  expect(a.got("peer-left")).toHaveLength(1);
});

test("copied stream entries are delivered once, and foreign ones never", async () => {
  const streams = { BACKPLANE: "streams" };
  const one = await start("signaling-1", streams);
  const two = await start("signaling-2", streams);
  const [a, b] = [await join(one), await join(two)];
  await until("they see each other", () => a.got("peer-joined").length === 1);
  expect(await a.send("offer", { roomId: "room", n: 1 })).toEqual({ ok: true });
  await until("b has it", () => b.got("offer").length === 1);
  const key = "hold-the-line:stream";
  const entry = ((await stranger.writer.xRange(key, "-", "+")) ?? []).find(
    ({ message }) => message["canary"] === undefined,
  );
  const fields = { ...entry?.message };
  expect(fields["data"]).toContain("offer");
  await stranger.writer.xAdd(key, "*", fields);
  await stranger.writer.xAdd(key, "*", { ...fields, data: fields["data"]?.replace('"n":1', '"n":2') ?? "" });
  await until("the copy is counted", async () => (await dropped(two, "replayed")) === 1);
  await until("the forged one too", async () => (await dropped(two, "forged")) === 1);
  expect(await a.send("offer", { roomId: "room", n: 3 })).toEqual({ ok: true });
  await until("b has the next one", () => b.got("offer").some(({ n }) => n === 3));
  expect(b.got("offer").map(({ n }) => n)).toEqual([1, 3]);
});

test("replicas with different keys do not hear each other, and log it", async () => {
  const one = await start("signaling-1");
  const two = await start("signaling-2", { BACKPLANE_SECRET: "what another stack shares" });
  const [a, b] = [await join(one), await join(two)];
  await until("both count strangers", async () => (await dropped(one, "forged")) * (await dropped(two, "forged")) > 0);
  expect(await readMetric(one, "signaling_backplane_peers")).toBe(0);
  expect(a.got("peer-joined")).toEqual([]);
  // There is no promise for a peer that it does not know.
  expect(await a.send("offer", { roomId: "room", to: b.peerId })).toEqual({ ok: true, away: [b.peerId] });
});
