import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connectEngine, type EnginePeer, openPolling } from "../support/engine/engine-peer.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";

const inAll = 4 * 1_048_576;
const message = 262_144;
const settings = {
  MAX_UNFINISHED_BYTES: String(inAll),
  MAX_UNREAD_BYTES: String(inAll),
  // Lets the connections reach the common bound before each one's own bound.
  MAX_BUFFERED_BYTES: String(4 * inAll),
  BODY_TIMEOUT_MS: "1500",
};
let redis: RedisServer;
let replica: Replica;
let witnesses: SignalPeer[];
let before: number;
const open: { destroy(): unknown }[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, settings);
  witnesses = [
    await joinRoom(await connectSocketIo(replica.url, { reconnection: false }), "witnesses"),
    await joinRoom(await connectRaw(replica.url), "witnesses"),
  ];
  before = await readMetric(replica, "process_resident_memory_bytes");
});
afterEach(async () => {
  for (const one of open.splice(0)) one.destroy();
  const got = witnesses[1]?.got("offer").length ?? 0;
  expect(await witnesses[0]?.send("offer", { roomId: "witnesses" })).toEqual({ ok: true });
  await until("the witnesses reach each other", () => witnesses[1]?.got("offer").length === got + 1);
  expect(witnesses.map((peer) => peer.connected())).toEqual([true, true]);
  // Released buffers stay in the process until they are collected, so the limit is twice the bound plus a heap.
  const grownMiB = ((await readMetric(replica, "process_resident_memory_bytes")) - before) / 1_048_576;
  process.stdout.write(`the replica has grown by ${Math.round(grownMiB)} MiB since the first of these attacks\n`);
  expect(grownMiB).toBeLessThan(64);
});
afterAll(async () => {
  for (const peer of witnesses) peer.close();
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const port = () => replica.port;

test("bodies without their last byte have a common bound, and end at their deadline with 408", async () => {
  const statuses = new Map<number | string, number>();
  const count = 100;
  let ended = 0;
  const startedAt = performance.now();
  for (let at = 0; at < count; at += 1) {
    const { address } = await openPolling(replica.url, { enter: false });
    const post = request(address, { method: "POST", headers: { "content-length": message } }, (response) => {
      statuses.set(response.statusCode ?? 0, (statuses.get(response.statusCode ?? 0) ?? 0) + 1);
      response.resume();
    });
    post.on("error", (error: NodeJS.ErrnoException) => {
      statuses.set(error.code ?? "?", (statuses.get(error.code ?? "?") ?? 0) + 1);
    });
    post.on("close", () => {
      ended += 1;
    });
    post.write(Buffer.alloc(message - 1, 0x34));
    open.push(post);
  }
  // A client with small complete requests is served meanwhile.
  const honest = await openPolling(replica.url);
  expect(await honest.post('42/signaling,1["join","meanwhile"]')).toBe(200);
  expect(await honest.poll()).toContain('43/signaling,1[{"ok":true');
  await until("all are ended", () => ended === count, { withinMs: 20_000 });
  expect((statuses.get(408) ?? 0) + (statuses.get(503) ?? 0)).toBe(count);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test("endless WebSocket messages have a common bound, and a bound on their fragments", async () => {
  const sockets: Socket[] = [];
  for (const path of ["/ws", "/socket.io/?EIO=4&transport=websocket"])
    for (let at = 0; at < 30; at += 1) {
      const socket = connect(port(), "127.0.0.1");
      socket.on("error", () => socket.destroy());
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: hold-the-line.v1\r\n\r\n",
      );
      await until("upgraded", () => socket.read() !== null);
      socket.resume();
      // One frame of 256 KiB, masked with zeros, without its last byte.
      const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0]);
      socket.write(Buffer.concat([head, Buffer.alloc(message - 1, 0x20)]));
      open.push(socket);
      sockets.push(socket);
    }
  await until("most are cut off", () => sockets.filter(({ closed }) => !closed).length <= inAll / message, {
    withinMs: 20_000,
  });

  const fragments = await connectEngine(replica.url);
  for (let at = 0; at < 100; at += 1) fragments.socket.send("x", { fin: false });
  await until("a message of 100 fragments is closed", () => !fragments.isOpen());
});

test("events with withheld attachments have a common bound", async () => {
  const peers: EnginePeer[] = [];
  for (let at = 0; at < 100; at += 1) {
    const peer = await connectEngine(replica.url);
    open.push({ destroy: () => peer.close() });
    peers.push(peer);
    const x = `${'[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'}`;
    peer.send(`452-/signaling,["offer",{"roomId":"x","x":${x},"pad":"${"p".repeat(60_000)}"}]`, Buffer.alloc(60_000));
  }
  await until("some are closed", () => peers.filter((peer) => peer.isOpen()).length * 120_000 <= inAll, {
    withinMs: 20_000,
  });
});

test("pings with unread pongs are answered only up to a bound", async () => {
  const peers = [await connectEngine(replica.url), await connectRaw(replica.url)];
  for (const { socket } of peers) {
    open.push({ destroy: () => socket.terminate() });
    (socket as unknown as { _socket: Socket })._socket.pause();
  }
  for (let round = 0; round < 200; round += 1) {
    for (const { socket } of peers) for (let n = 0; n < 1_000; n += 1) socket.ping(Buffer.alloc(125));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("the replica is asked", async () => (await fetch(`${replica.adminUrl}/readyz`)).ok);
});

test("the unread data of slow readers has a common bound, and the other readers get all signals", async () => {
  const room = "slow";
  // The signals to so many cost more than the sender and its address have.
  const patient = { ...settings, EVENT_BURST: "100000", CLIENT_EVENT_BURST: "100000" };
  const other = await startReplica("signaling-2", redis.url, patient);
  await using _ = other.program;
  const reader = await joinRoom(await connectSocketIo(other.url), room);
  const sender = await joinRoom(await connectSocketIo(other.url), room);
  const slow = [];
  for (let at = 0; at < 40; at += 1) {
    const peer = at % 2 === 0 ? await connectEngine(other.url) : await connectRaw(other.url);
    if ("ask" in peer) await peer.ask(1, ["join", room]);
    else await joinRoom(peer, room);
    open.push({ destroy: () => peer.socket.terminate() });
    (peer.socket as unknown as { _socket: Socket })._socket.pause();
    slow.push(peer);
  }
  const count = 150;
  for (let n = 0; n < count; n += 1) await sender.send("candidate", { roomId: room, n, pad: "x".repeat(50_000) });
  await until("the reader got all", () => reader.got("candidate").length === count);
  await until("slow ones are given up", async () => {
    return (await readMetric(other, "signaling_connections_closed_total", { reason: "slow-consumer" })) > 20;
  });
  for (const peer of [reader, sender]) peer.close();
});

test("heads that never end are bounded in number", async () => {
  const sockets: Socket[] = [];
  for (let at = 0; at < 1_200; at += 1) {
    const socket = connect(port(), "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(`GET / HTTP/1.1\r\nX: ${"x".repeat(100)}`);
    sockets.push(socket);
    open.push(socket);
  }
  await until("the oldest are closed", () => sockets.filter(({ closed }) => closed).length >= 150);
  expect((await fetch(`${replica.url}/`)).status).toBeLessThan(500);
});
