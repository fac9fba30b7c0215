import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRawWsClient } from "../../client/raw-ws-client.ts";
import { createSignalingClient, type SignalingClient, type SignalingOptions } from "../../client/signaling-client.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { joinRoom } from "../support/signal-peer.ts";
import { startStack, type TestStack } from "../support/stack.ts";

/** The proxy's limit for bodies is below the replicas' `maxPayload`, as with a proxy in front. */
const bodyLimit = 150_000;

let stack: TestStack;
const clients: SignalingClient[] = [];
beforeAll(async () => {
  // Events may be as large as a message, so a refusal comes from the transport's limit.
  stack = await startStack({
    count: 1,
    env: { MAX_EVENT_BYTES: "1000000", MAX_MESSAGE_BYTES: "262144", MAX_BODY_BYTES: String(bodyLimit) },
  });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => stack?.[Symbol.asyncDispose]());

async function enter(room: string, transports: "websocket" | "polling" | "default", url: string) {
  const options: SignalingOptions = { url, transports, random: () => 0.5 };
  const client = createSignalingClient(options);
  clients.push(client);
  const got: Record<string, unknown>[] = [];
  const lost: number[] = [];
  const away: string[] = [];
  client.on("signal", (signal) => got.push(signal));
  client.on("lost", () => lost.push(performance.now()));
  client.on("peer-away", ({ peerId }) => away.push(peerId));
  client.join(room);
  await until("joined", () => client.state() === "joined");
  return { client, got, lost, away };
}

const replicaUrl = () => stack.replicas[0]?.url ?? "";

for (const transports of ["websocket", "polling", "default"] as const)
  test(`${transports}: a signal too large for a message is refused before it is sent, and later ones use the same connection`, async () => {
    const room = randomUUID();
    const a = await enter(room, transports, replicaUrl());
    const b = await enter(room, transports, replicaUrl());
    const tooLarge = [
      "x".repeat(300_000),
      // 140,000 characters, 280,000 bytes.
      "é".repeat(140_000),
      // 50,000 characters that JSON writes with six bytes each.
      "\u0001".repeat(50_000),
      new Uint8Array(200_000),
      { deep: [Buffer.alloc(200_000)] },
    ].map((blob) => a.client.send("offer", { blob }));
    const small = a.client.send("candidate", { number: 1 });
    for (const ack of await Promise.all(tooLarge))
      expect(ack).toMatchObject({ ok: false, error: { code: "too-large", message: expect.stringMatching(/262144/) } });
    expect(await small).toEqual({ ok: true });
    await until("the small one arrived", () => b.got.length === 1);
    expect(b.got[0]).toMatchObject({ event: "candidate", number: 1 });
    expect([a.lost, b.away]).toEqual([[], []]);
  });

for (const transports of ["websocket", "polling", "default"] as const)
  test(`${transports}: many medium signals at once, together far larger than a message, all arrive in order`, async () => {
    const room = randomUUID();
    const a = await enter(room, transports, replicaUrl());
    const b = await enter(room, transports, replicaUrl());
    const blobs = Array.from({ length: 24 }, (_, number) => {
      if (number % 3 === 0) return "x".repeat(60_000);
      return number % 3 === 1 ? "€".repeat(20_000) : new Uint8Array(45_000);
    });
    const acks = await Promise.all(blobs.map((blob, number) => a.client.send("offer", { number, blob })));
    expect(acks.filter(({ ok }) => !ok)).toEqual([]);
    await until("all arrived", () => b.got.length === blobs.length);
    expect(b.got.map(({ number }) => number)).toEqual(blobs.map((_, number) => number));
    expect([a.lost, b.away]).toEqual([[], []]);
  });

test("polling: binary signals that Engine.IO's estimate lets overfill a payload arrive on the same connection", async () => {
  const room = randomUUID();
  const a = await enter(room, "polling", replicaUrl());
  const b = await enter(room, "polling", replicaUrl());
  // Four signals make 262,292 bytes of base64 and text. Engine.IO counts 261,636 and would put them into one payload.
  const acks = await Promise.all(
    Array.from({ length: 8 }, (_, number) => a.client.send("offer", { number, blob: new Uint8Array(49_110) })),
  );
  expect(acks.filter(({ ok }) => !ok)).toEqual([]);
  await until("all arrived", () => b.got.length === 8);
  expect(a.lost).toEqual([]);
});

test("an unknown limit on the way: the signal over it is refused after few tries, the others arrive, the pauses grow", async () => {
  const room = randomUUID();
  const a = await enter(room, "polling", stack.proxy.url);
  const b = await enter(room, "websocket", stack.proxy.url);
  const signals = [
    { number: 0, blob: "x".repeat(60_000) },
    { number: 1, blob: "x".repeat(200_000) },
    { number: 2, blob: "x".repeat(60_000) },
    { number: 3 },
  ];
  const acks = await Promise.all(signals.map((signal) => a.client.send("offer", signal)));
  expect(acks.map((ack) => ack.ok || ack.error.code)).toEqual([true, "too-large", true, true]);
  await until("the others arrived", () => b.got.length === 3);
  expect(b.got.map(({ number }) => number)).toEqual([0, 2, 3]);
  expect(a.lost.length).toBeLessThanOrEqual(4);
  expect(b.away.length).toBeLessThanOrEqual(4);
});

test("a signal that cannot be JSON is refused without other effects", async () => {
  const a = await enter(randomUUID(), "websocket", replicaUrl());
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  for (const blob of [circle, 1n])
    expect(await a.client.send("offer", { blob })).toMatchObject({ ok: false, error: { code: "invalid" } });
  expect(await a.client.send("offer", {})).toEqual({ ok: true });
});

test("/ws: a frame over the limit in bytes is refused before it is sent; the next one is sent", async () => {
  const room = randomUUID();
  const client = createRawWsClient({ url: replicaUrl(), random: () => 0.5 });
  const lost: number[] = [];
  const ready = Promise.withResolvers<void>();
  client.on("joined", () => ready.resolve());
  client.on("lost", ({ code }) => lost.push(code));
  client.join(room);
  await ready.promise;
  const other = await joinRoom(await connectRaw(replicaUrl()), room);
  for (const blob of ["x".repeat(300_000), "é".repeat(140_000)])
    expect(await client.send("offer", { blob })).toMatchObject({ ok: false, error: { code: "too-large" } });
  expect(await client.send("candidate", { number: 1 })).toEqual({ ok: true });
  await until("it arrived", () => other.got("candidate").length === 1);
  expect(lost).toEqual([]);
  client.close();
  other.close();
});
