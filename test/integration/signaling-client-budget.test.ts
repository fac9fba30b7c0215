import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connectEngine, type EnginePeer } from "../support/engine/engine-peer.ts";
import { readMetric } from "../support/metric.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

/** Buckets that hardly refill during a test. */
const [eventBurst, clientBurst, clientJoins] = [200, 300, 30];
let redis: RedisServer;
let replica: Replica;
const peers: { close(): void }[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, {
    EVENT_BURST: String(eventBurst),
    EVENTS_PER_SECOND: "1",
    CLIENT_EVENT_BURST: String(clientBurst),
    CLIENT_EVENTS_PER_SECOND: "1",
    CLIENT_JOIN_BURST: String(clientJoins),
    CLIENT_JOINS_PER_SECOND: "1",
  });
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});
afterAll(async () => {
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** A peer in a room, as the proxy forwards it for a client of that address. */
async function peerAt(address: string, room: string): Promise<EnginePeer> {
  const peer = await connectEngine(replica.url, { headers: { "x-forwarded-for": address } });
  peers.push(peer);
  expect(await peer.ask(1, ["join", room])).toMatchObject({ ok: true });
  return peer;
}
/** Sends signals until one is refused; returns how many were accepted, and the refusal. */
async function exhaust(peer: EnginePeer, signal: object): Promise<{ accepted: number; message: string }> {
  for (let accepted = 0; ; accepted += 1) {
    const ack = await peer.ask(100 + accepted, ["bye", signal]);
    if (ack["ok"] !== true) {
      expect(ack).toMatchObject({ error: { code: "rate-limited" } });
      return { accepted, message: (ack["error"] as { message: string }).message };
    }
  }
}

test.for([
  ["IPv4", "198.51.100.1", "::ffff:198.51.100.1", "198.51.100.2"],
  ["a /64", "2001:db8:0:1::1, 10.0.0.1", "2001:db8:0:1:ffff::2, 10.0.0.1", "2001:db8:0:2::1, 10.0.0.1"],
] as const)(
  "%s: all connections of a client share a budget, on both gateways, and new ones get no new one",
  async ([name, first, same, other]) => {
    const begunAt = performance.now();
    const limited = await readMetric(replica, "signaling_client_limited_total", { limit: "events" });
    const [one, two] = [await peerAt(first, name), await peerAt(same, name)];
    const raw = await connectRaw(replica.url, { headers: { "x-forwarded-for": first } });
    peers.push(raw);
    expect(await raw.join(name)).toMatchObject({ ok: true });
    const own = await exhaust(one, { roomId: name });
    expect(own.message).toBe("over 1 events a second");
    const shared = await exhaust(two, { roomId: name });
    expect(shared.message).toBe("over 1 events a second from all connections of your address");
    const refilled = (performance.now() - begunAt) / 1_000;
    expect(own.accepted + shared.accepted).toBeLessThanOrEqual(clientBurst + refilled);
    expect(own.accepted + shared.accepted).toBeGreaterThan(clientBurst - 20);
    expect(await readMetric(replica, "signaling_client_limited_total", { limit: "events" })).toBeGreaterThan(limited);
    one.close();
    // The refill of a stalled machine may pass a few.
    let refused = 0;
    for (let sent = 0; sent < 20; sent += 1) {
      const ack = await raw.send("bye", { roomId: name });
      if (!ack.ok) refused += 1;
    }
    expect(refused).toBeGreaterThan(0);

    const innocent = await peerAt(other, name);
    expect(await innocent.ask(2, ["bye", { roomId: name }])).toMatchObject({ ok: true });
    expect([two.isOpen(), raw.connected()]).toEqual([true, true]);
  },
);

test("joins and leaves of all connections of a client share a budget", async () => {
  const begunAt = performance.now();
  let accepted = 0;
  for (let index = 0; index < 3; index += 1) {
    const peer = await connectEngine(replica.url, { headers: { "x-forwarded-for": "198.51.100.3" } });
    peers.push(peer);
    for (let id = 0; id < clientJoins; id += 1) {
      const ack = await peer.ask(id, ["join", `changes-${id}`]);
      if (ack["ok"] === true) accepted += 1;
    }
  }
  expect(accepted).toBeGreaterThanOrEqual(clientJoins);
  expect(accepted).toBeLessThanOrEqual(clientJoins + (performance.now() - begunAt) / 1_000);
});

test("a signal to many receivers costs tokens for its deliveries, a signal to one of them does not", async () => {
  const room = "crowd";
  const receivers = await Promise.all(Array.from({ length: 20 }, (_, at) => peerAt(`203.0.113.${at}`, room)));
  const begunAt = performance.now();
  const [all, one] = [await peerAt("198.51.100.4", room), await peerAt("198.51.100.5", room)];
  const toAll = await exhaust(all, { roomId: room });
  // 21 receivers: one token to read it, and (21 - 4) / 4 for the deliveries.
  const most = eventBurst / 5;
  const refilled = (performance.now() - begunAt) / 1_000;
  expect(toAll.accepted).toBeGreaterThan(most - 10);
  expect(toAll.accepted).toBeLessThanOrEqual(most + refilled);
  const { peerId } = (await receivers[0]?.ask(2, ["join", room])) ?? {};
  const toOne = await exhaust(one, { roomId: room, to: peerId });
  expect(toOne.accepted).toBeGreaterThan(eventBurst - 20);
});
