import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";
import { afterEach, expect, test } from "vitest";
import type { RelayAck } from "../../common/protocol.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

let redis: RedisServer;
let replicas: Replica[];
const peers: SocketIoPeer[] = [];
const clients: { destroy(): void }[] = [];

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

/** Two replicas with a peer each, on a Redis that refuses entries above 8 MiB. */
async function start(env: Record<string, string>): Promise<{ room: string; a: SocketIoPeer; b: SocketIoPeer }> {
  redis = await startRedisServer(["--maxmemory", "8mb", "--maxmemory-policy", "noeviction"]);
  const settings = { BACKPLANE: "streams", EVENTS_PER_SECOND: "5000", ...env };
  replicas = await Promise.all(["signaling-1", "signaling-2"].map((id) => startReplica(id, redis.url, settings)));
  const room = randomUUID();
  const [a, b] = await Promise.all(replicas.map(({ url }) => connectSocketIo(url)));
  if (a === undefined || b === undefined) throw new Error("two peers were to connect");
  peers.push(a, b);
  for (const peer of peers) await joinRoom(peer, room);
  return { room, a, b };
}

const sdp = "v=0 ".repeat(4_000);

/** Signals of 16 KB, 20 at a time and so many a second at most. Returns the acks in order. */
async function sendMany(a: SocketIoPeer, room: string, count: number, perSecond = 10_000): Promise<RelayAck[]> {
  const acks: RelayAck[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < count; n += 20) {
    await delay(Math.max(0, startedAt + (1_000 * n) / perSecond - performance.now()));
    const turn = Array.from({ length: 20 }, (_, i) => a.send("offer", { roomId: room, n: n + i, sdp }));
    acks.push(...((await Promise.all(turn)) as RelayAck[]));
  }
  return acks;
}

/** Sends until one is acknowledged, and sees that one arrive. */
async function expectToGoOn({ room, a, b }: Awaited<ReturnType<typeof start>>): Promise<void> {
  let n = 10_000;
  const passes = async () => {
    n += 1;
    return ((await a.send("offer", { roomId: room, n })) as RelayAck).ok;
  };
  await until("signals pass again", passes, { withinMs: 10_000 });
  await until("the acknowledged one is there", () => b.got("offer").at(-1)?.["n"] === n);
}

test("a signal refused by a full Redis is refused with backplane-down, and an acknowledged one arrives", async () => {
  const { room, a, b } = await start({});
  const acks = await sendMany(a, room, 1_200);
  const acknowledged = acks.flatMap((ack, n) => (ack.ok ? [n] : []));
  const refused = acks.flatMap((ack) => (ack.ok ? [] : [ack.error.code]));
  expect(refused.length, "Redis was full").toBeGreaterThan(0);
  expect(new Set(refused)).toEqual(new Set(["backplane-down"]));
  await until("the last acknowledged one is there", () => b.got("offer").at(-1)?.["n"] === acknowledged.at(-1));
  expect(b.got("offer").map(({ n }) => n)).toEqual(acknowledged);
  // The replicas make room by themselves.
  await expectToGoOn({ room, a, b });
});

test("another client fills Redis: signals are refused, and pass again when there is room", async () => {
  const { room, a, b } = await start({});
  const other = createClient({ url: redis.url });
  clients.push(other);
  await other.connect();
  const fill = async () => {
    for (;;) await other.rPush("theirs", "x".repeat(4_000));
  };
  await expect(fill()).rejects.toThrow("OOM");
  await until("it is full", async () => {
    const ack = (await a.send("offer", { roomId: room, sdp })) as RelayAck;
    return !ack.ok && ack.error.code === "backplane-down";
  });
  await other.del("theirs");
  await expectToGoOn({ room, a, b });
});

test("STREAM_MAX_BYTES keeps the stream so small that no signal is refused", async () => {
  const { room, a, b } = await start({ STREAM_MAX_BYTES: "2097152" });
  const acks = await sendMany(a, room, 700, 100);
  expect(acks.filter(({ ok }) => !ok)).toEqual([]);
  await until("all are there", () => b.got("offer").length === 700);
});

/** The second peer loses its connection, misses so many signals and comes back. Returns whether it was recovered. */
async function goneAndBack({ room, a, b }: Awaited<ReturnType<typeof start>>, missed: number, perSecond: number) {
  b.socket.io.reconnection(false);
  b.socket.io.engine.close();
  await sendMany(a, room, missed, perSecond);
  b.socket.connect();
  await until("it is back", () => b.socket.connected);
  return b.socket.recovered;
}

test("a session is not recovered if some of its missed signals were trimmed", async () => {
  const { room, a, b } = await start({ STREAM_MAX_BYTES: "2097152", MAX_BUFFERED_BYTES: "67108864" });
  expect(await goneAndBack({ room, a, b }, 20, 1_000)).toBe(true);
  await until("what it missed is there", () => b.got("offer").length === 20);
  expect(await goneAndBack({ room, a, b }, 400, 100)).toBe(false);
  expect(b.got("offer")).toHaveLength(20);
});

test("a session is not recovered if it missed more than its connection may keep unread", async () => {
  const { room, a, b } = await start({});
  expect(await goneAndBack({ room, a, b }, 80, 1_000)).toBe(false);
  await joinRoom(b, room);
  expect(await goneAndBack({ room, a, b }, 40, 1_000)).toBe(true);
  await until("what it missed is there", () => b.got("offer").length === 40);
});
