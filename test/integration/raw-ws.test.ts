import { randomUUID } from "node:crypto";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../support/poll.ts";
import { connectRaw, type RawPeer } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";

let redis: RedisServer;
let replicas: Replica[];
const peers: SignalPeer[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
  // Slow pings, so that a busy machine answers them and a slow consumer is not closed for missed pings. The grace is
  // long enough for a peer to come back.
  const env = { WS_PING_MS: "1500", MAX_BUFFERED_BYTES: "65536", AWAY_GRACE_MS: "3000" };
  replicas = await Promise.all(["signaling-1", "signaling-2"].map((nodeId) => startReplica(nodeId, redis.url, env)));
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});
afterAll(async () => {
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

const urlOf = (index: number) => replicas[index]?.url ?? "";
async function raw(index: number, room: string) {
  const peer = await connectRaw(urlOf(index));
  peers.push(peer);
  return joinRoom(peer, room);
}
async function socketIo(index: number, room: string) {
  const peer = await connectSocketIo(urlOf(index));
  peers.push(peer);
  return joinRoom(peer, room);
}

test.each([
  ["the same replica", 0, 0],
  ["different replicas", 0, 1],
])("a /ws peer and a Socket.IO peer on %s call each other", async (_, first, second) => {
  const room = randomUUID();
  const a = await raw(first, room);
  const b = await socketIo(second, room);
  await until("a sees b", () => a.got("peer-joined").length === 1);
  expect(b.peers).toEqual([{ peerId: a.peerId }]);
  const description = { type: "offer", sdp: "v=0" };
  expect(await a.send("offer", { roomId: room, description })).toEqual({ ok: true });
  await until("b has the offer", () => b.got("offer").length === 1);
  expect(b.got("offer")[0]).toMatchObject({ roomId: room, from: a.peerId, description, id: expect.any(String) });
  expect(await b.send("answer", { roomId: room, to: a.peerId })).toEqual({ ok: true });
  await until("a has the answer", () => a.got("answer").length === 1);
  expect([a.got("offer"), b.got("answer")]).toEqual([[], []]);
});

test("two /ws peers on different replicas call each other, each signal once, addressed ones to their addressee", async () => {
  const room = randomUUID();
  const a = await raw(0, room);
  const [b, c] = [await raw(1, room), await raw(1, room)];
  await until("a sees both", () => a.got("peer-joined").length === 2);
  await a.send("candidate", { roomId: room, n: 1 });
  await a.send("candidate", { roomId: room, n: 2, to: c.peerId });
  await a.send("candidate", { roomId: room, n: 3 });
  await until("the last is there", () => [b, c].every((peer) => peer.got("candidate").some(({ n }) => n === 3)));
  expect(b.got("candidate").map(({ n }) => n)).toEqual([1, 3]);
  expect(c.got("candidate").map(({ n }) => n)).toEqual([1, 2, 3]);
  expect(a.got("candidate")).toEqual([]);
});

test("a room's channel is subscribed exactly while the room has local /ws members", async () => {
  const room = randomUUID();
  const client = createClient({ url: redis.url });
  client.on("error", () => client.destroy());
  await client.connect();
  try {
    const subscribers = async () => (await client.pubSubNumSub([`room:${room}`]))[`room:${room}`];
    const [a, b] = [await raw(0, room), await raw(0, room)];
    await socketIo(1, room);
    await until("one replica listens", async () => (await subscribers()) === 1);
    a.close();
    await raw(1, room);
    await until("both listen", async () => (await subscribers()) === 2);
    await b.send("leave", { roomId: room });
    await until("one listens", async () => (await subscribers()) === 1);
  } finally {
    client.destroy();
  }
});

test("an invalid frame gets an error-report and the socket stays open; a refusal is an ack or a report", async () => {
  const peer = await connectRaw(urlOf(0));
  peers.push(peer);
  for (const garbage of ["", "{", "null", "7", "[]", '{"data":{}}', '{"event":7}', '{"event":"join","id":-1}'])
    peer.raw(garbage);
  peer.raw(Buffer.from([1, 2, 3]));
  await until("nine reports", () => peer.got("error-report").length === 9);
  expect(new Set(peer.got("error-report").map(({ code }) => code))).toEqual(new Set(["invalid"]));
  expect(await peer.join("")).toMatchObject({ ok: false, error: { code: "invalid" } });
  expect(await peer.send("offer", { roomId: "not joined" })).toMatchObject({ error: { code: "not-in-room" } });
  expect(await peer.send("toString", {})).toMatchObject({ error: { code: "invalid" } });
  expect(await peer.send("offer", { roomId: "r", x: "y".repeat(70_000) })).toMatchObject({
    error: { code: "too-large" },
  });
  peer.raw('{"event":"offer","data":{"roomId":"x"}}');
  await until("a report", () => peer.got("error-report").length === 10);
  expect(peer.got("error-report").at(-1)).toMatchObject({ event: "offer", code: "not-in-room" });
  expect(peer.connected()).toBe(true);
});

test("a transport message over the limit closes the socket with 1009", async () => {
  const peer = await connectRaw(urlOf(0));
  peer.raw(`"${"x".repeat(300_000)}"`);
  await until("closed", () => peer.closed() !== undefined);
  expect(peer.closed()).toBe(1009);
});

test("the server selects its subprotocol, and a peer that lost its socket resumes on another replica's other gateway", async () => {
  const room = randomUUID();
  const a = await socketIo(0, room);
  const b = await raw(1, room);
  expect(b.socket.protocol).toBe("hold-the-line.v1");
  await until("a sees b", () => a.got("peer-joined").length === 1);
  b.socket.terminate();
  await until("b is away", () => a.got("peer-away").length === 1);
  const back = await connectSocketIo(urlOf(0));
  peers.push(back);
  const { peerId } = await joinRoom(back, room, { resume: b.resume });
  expect(peerId).toBe(b.peerId);
  await until("b is back", () => a.got("peer-joined").length === 2);
  expect(a.got("peer-left")).toEqual([]);
});

test("a newer connection of a peer supersedes its /ws socket, which must not reconnect", async () => {
  const room = randomUUID();
  const old = await raw(0, room);
  const newer = await connectRaw(urlOf(1));
  peers.push(newer);
  await joinRoom(newer, room, { resume: old.resume });
  await until("the old one is closed", () => old.closed() !== undefined);
  expect(old.got("superseded")).toEqual([{ peerId: old.peerId }]);
  expect(old.closed()).toBe(4000);
});

test("a page of another origin and another path are refused", async () => {
  await expect(connectRaw(urlOf(0), { headers: { origin: "https://evil.example" } })).rejects.toThrow("403");
  const own = await connectRaw(urlOf(0), { headers: { origin: urlOf(0) } });
  own.close();
  const stray = new WebSocket(`${urlOf(0).replace("http", "ws")}/elsewhere`);
  const refusal = await new Promise<string>((resolve) => stray.once("error", (error) => resolve(error.message)));
  expect(refusal).toMatch("404");
});

test("a peer without pongs is closed and away; one with pongs stays", async () => {
  const room = randomUUID();
  const a = await raw(0, room);
  const deaf = new WebSocket(`${urlOf(1).replace("http", "ws")}/ws`, { autoPong: false });
  await new Promise((resolve) => deaf.once("open", resolve));
  deaf.send(JSON.stringify({ event: "join", data: { roomId: room } }));
  await until("it joined", () => a.got("peer-joined").length === 1);
  await until("it is away", () => a.got("peer-away").length === 1);
  await until("it has left", () => a.got("peer-left").length === 1);
  expect(a.got("peer-left")[0]).toMatchObject({ reason: "timeout" });
  expect(a.connected()).toBe(true);
  deaf.terminate();
});

test("a consumer that does not read is closed with 1013, and the others get all signals", async () => {
  const room = randomUUID();
  const [sender, reader] = [await raw(0, room), await raw(0, room)];
  const slow: RawPeer & { peerId: string } = await raw(0, room);
  slow.socket.pause();
  const blob = "x".repeat(30_000);
  let sent = 0;
  await until("it is away", async () => {
    for (let n = 0; n < 20; n += 1, sent += 1) await sender.send("candidate", { roomId: room, blob });
    return sender.got("peer-away").some(({ peerId }) => peerId === slow.peerId);
  });
  await until("the reader has all", () => reader.got("candidate").length === sent);
  slow.socket.resume();
  await until("it learns why", () => slow.closed() !== undefined);
  expect(slow.closed()).toBe(1013);
  const text = await (await fetch(`${replicas[0]?.adminUrl}/metrics`)).text();
  expect(text).toMatch(/signaling_connections_closed_total\{reason="slow-consumer"\} 1/);
});
