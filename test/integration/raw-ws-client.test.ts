import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRawWsClient, type RawWsClient, type RawWsEvents } from "../../client/raw-ws-client.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

let redis: RedisServer;
let replica: Replica;
const clients: RawWsClient[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

function joinAs(room: string) {
  const client = createRawWsClient({ url: replica.url, random: () => 0.5 });
  clients.push(client);
  const joins: RawWsEvents["joined"][] = [];
  const signals: RawWsEvents["signal"][] = [];
  const ends: RawWsEvents["ended"][] = [];
  client.on("joined", (ack) => joins.push(ack));
  client.on("signal", (signal) => signals.push(signal));
  client.on("ended", (end) => ends.push(end));
  client.join(room);
  return { client, joins, signals, ends };
}

test("two clients call each other", async () => {
  const room = randomUUID();
  const a = joinAs(room);
  await until("a has joined", () => a.joins.length === 1);
  const b = joinAs(room);
  await until("b has joined", () => b.joins.length === 1);
  expect(b.joins[0]?.peers).toEqual([{ peerId: a.joins[0]?.peerId }]);
  expect(await b.client.send("offer", { description: { type: "offer", sdp: "v=0" } })).toEqual({ ok: true });
  await until("a has the offer", () => a.signals.length === 1);
  expect(a.signals[0]).toMatchObject({ event: "offer", from: b.joins[0]?.peerId, roomId: room });
  expect(await a.client.leave()).toEqual({ ok: true });
});

test("after a kill and start of its replica it joins by itself, as the same peer", async () => {
  const a = joinAs(randomUUID());
  await until("a has joined", () => a.joins.length === 1);
  await replica.program[Symbol.asyncDispose]();
  await expect(a.client.send("offer", {})).rejects.toThrow();
  replica = await startReplica("signaling-1", redis.url, {}, [replica.port, replica.adminPort]);
  await until("a has joined again", () => a.joins.length === 2);
  expect(a.joins[1]?.peerId).toBe(a.joins[0]?.peerId);
  expect(a.ends).toEqual([]);
});

test("a client that is refused for good reports it and does not reconnect", async () => {
  const a = joinAs("x".repeat(129));
  await until("it ended", () => a.ends.length === 1);
  expect(a.ends).toEqual([{ reason: "refused", code: "invalid" }]);
});
