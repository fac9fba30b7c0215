import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connectEngine, type EnginePeer, openPolling } from "../support/engine/engine-peer.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";

const burst = 300;
const perSecond = 100;
let redis: RedisServer;
let replica: Replica;
const peers: { close(): void }[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, {
    EVENT_BURST: String(burst),
    EVENTS_PER_SECOND: String(perSecond),
    JOIN_BURST: "10",
    JOINS_PER_SECOND: "1",
  });
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});
afterAll(async () => {
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const keep = <P extends { close(): void }>(peer: P): P => {
  peers.push(peer);
  return peer;
};
/** Two peers in a room, one without and one with a client library. */
async function pair(room: string): Promise<[EnginePeer, SignalPeer]> {
  const receiver = keep(await joinRoom(await connectSocketIo(replica.url, { reconnection: false }), room));
  const sender = keep(await connectEngine(replica.url));
  expect(await sender.ask(1, ["join", room])).toMatchObject({ ok: true });
  return [sender, receiver];
}
const named = (...nums: unknown[]) => nums.map((num) => ({ _placeholder: true, num }));
const accepted = (event: string) => readMetric(replica, "signaling_events_total", { event, outcome: "ok" });

test("ten attachments arrive unchanged; an eleventh, by name or by number, is too large and is not delivered", async () => {
  const [sender, receiver] = await pair("attachments");
  const buffers = Array.from({ length: 10 }, (_, at) => Buffer.from([at, 255]));
  const ten = await sender.ask(2, ["offer", { roomId: "attachments", x: named(...buffers.keys()) }], ...buffers);
  expect(ten).toEqual({ ok: true });
  await until("they are there", () => receiver.got("offer").length === 1);
  expect(receiver.got("offer")[0]?.["x"]).toEqual(buffers);

  const one = Buffer.alloc(0);
  const eleven = Array.from({ length: 11 }, () => 0);
  const byName = await sender.ask(3, ["offer", { roomId: "attachments", x: named(...eleven) }], one);
  expect(byName).toMatchObject({ ok: false, error: { code: "too-large" } });
  const byNumber = [...buffers, one];
  const announced = await sender.ask(
    4,
    ["offer", { roomId: "attachments", x: named(...byNumber.keys()) }],
    ...byNumber,
  );
  expect(announced).toMatchObject({ ok: false, error: { code: "too-large" } });
  const many = Array.from({ length: 8_700 }, () => 0);
  const flood = await sender.ask(5, ["offer", { roomId: "attachments", x: named(...many) }], one);
  expect(flood).toMatchObject({ ok: false, error: { code: expect.stringMatching(/^(too-large|rate-limited)$/) } });

  expect(await sender.ask(6, ["bye", { roomId: "attachments" }])).toEqual({ ok: true });
  await until("the next event is there", () => receiver.got("bye").length === 1);
  expect(receiver.got("offer")).toHaveLength(1);
  expect([receiver.connected(), sender.isOpen()]).toEqual([true, true]);
});

test("an attachment named twice, not at all, out of range or without a number is invalid", async () => {
  const [sender, receiver] = await pair("references");
  const bytes = Buffer.from([1]);
  const wrong: [unknown[], Buffer[]][] = [
    [named(0, 0), [bytes]],
    [named(0, 0), [bytes, bytes]],
    [named(0), [bytes, bytes]],
    [named(1), [bytes]],
    [named(-1), [bytes]],
    [named(0.5), [bytes]],
    [named("0"), [bytes]],
    [named(1e15), [bytes]],
    [[{ deep: { deeper: named(7) } }], [bytes]],
    [["__proto__"], [bytes]],
  ];
  for (const [at, [x, buffers]] of wrong.entries()) {
    const ack = await sender.ask(100 + at, ["offer", { roomId: "references", x }], ...buffers);
    expect(ack, JSON.stringify(x)).toMatchObject({ ok: false, error: { code: "invalid" } });
  }
  // With withheld attachments the event is dropped when another packet arrives.
  sender.send('452-/signaling,50["offer",{"roomId":"references","x":[{"_placeholder":true,"num":0}]}]', bytes);
  expect(await sender.ask(51, ["bye", { roomId: "references" }])).toEqual({ ok: true });
  await until("the bye is there", () => receiver.got("bye").length === 1);
  expect(receiver.got("offer")).toEqual([]);
  expect(receiver.connected()).toBe(true);
});

test("18,000 CONNECTs in one POST make one socket, the answers name /signaling, and the session goes on", async () => {
  const before = await readMetric(replica, "process_resident_memory_bytes");
  for (const packet of ["40", "40/other,", "40/signaling,", '40/signaling,{"token":"x"}']) {
    const session = await openPolling(replica.url, { enter: false });
    const count = Math.floor(250_000 / (packet.length + 1));
    expect(await session.post(Array.from({ length: count }, () => packet).join("\x1e"))).toBe(200);
    const answers = (await session.poll()).split("\x1e");
    expect(answers.length).toBeLessThanOrEqual(9);
    for (const answer of answers) expect(answer).toContain("/signaling");
    if (packet.includes("/signaling")) {
      expect(answers.filter((answer) => answer.startsWith("40/signaling,"))).toHaveLength(1);
      await session.post('42/signaling,7["join","after"]');
    } else await session.post(`41/signaling,\x1e42/signaling,8["join","after"]`);
  }
  expect((await readMetric(replica, "process_resident_memory_bytes")) - before).toBeLessThan(40e6);
}, 60_000);

test("the namespace can be entered again, at most eight times in a burst, and the event bucket keeps its state", async () => {
  const peer = keep(await connectEngine(replica.url));
  for (let round = 2; round <= 4; round += 1) {
    peer.send("41/signaling,", "40/signaling,");
    await until("entered again", () => peer.having('40/signaling,{"sid"').length === round);
    expect(await peer.ask(round, ["join", `round-${round}`])).toMatchObject({ ok: true });
  }
  const joins = await accepted("bye");
  const startedAt = performance.now();
  for (let round = 0; round < 3_000; round += 1)
    peer.send("41/signaling,", "40/signaling,", '42/signaling,["bye",{"roomId":"x"}]');
  await until("some are refused for their number", () => peer.having("entered and left too often").length > 0);
  expect(peer.having('40/signaling,{"sid"').length).toBeLessThanOrEqual(9);
  const taken = (await accepted("bye")) - joins;
  const seconds = (performance.now() - startedAt) / 1_000;
  expect(taken).toBeLessThanOrEqual(1.05 * (burst + perSecond * seconds));
  expect(peer.isOpen()).toBe(true);
});

test("of a flood only the rate is accepted, the rest gets a code and is read more slowly, and the client stays connected", async () => {
  const room = "flood";
  const flooder = keep(await connectEngine(replica.url));
  await flooder.ask(1, ["join", room]);
  const raw = keep(await joinRoom(await connectRaw(replica.url), room));
  const polling = await openPolling(replica.url);
  await polling.post(`42/signaling,1${JSON.stringify(["join", room])}`);
  await polling.poll();
  const count = 4_000;
  const startedAt = performance.now();
  const before = await accepted("candidate");
  const signal = JSON.stringify({ roomId: room });
  const posted = polling.post(
    Array.from({ length: count }, (_, id) => `42/signaling,${id + 10}["candidate",${signal}]`).join("\x1e"),
  );
  for (let id = 0; id < count; id += 1) {
    flooder.send(`42/signaling,${id + 10}["candidate",${signal}]`);
    raw.socket.send(JSON.stringify({ event: "candidate", data: { roomId: room }, id: id + 10 }));
  }
  await until("the flooder is answered to the last", () => flooder.having(`43/signaling,${count + 9}[`).length === 1, {
    withinMs: 60_000,
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const taken = (await accepted("candidate")) - before;
  const takenWithin = (performance.now() - startedAt) / 1_000;
  expect(taken).toBeLessThanOrEqual(3 * 1.05 * (burst + perSecond * takenWithin));
  expect(flooder.having('"rate-limited"').length).toBeGreaterThan(100);
  expect([flooder.isOpen(), raw.connected()]).toEqual([true, true]);
  // The replica read them slowly, with pauses.
  expect(seconds).toBeGreaterThan(1);
  await until("its bucket has refilled", async () => {
    return (await flooder.ask(100_000 + Math.floor(performance.now()), ["bye", { roomId: room }]))["ok"] === true;
  });
  expect(await posted).toBe(200);
}, 90_000);

test("a signal is measured in the encoded form of its receivers", async () => {
  const [sender, receiver] = await pair("growth");
  const ack = (id: number, data: unknown) => sender.ask(id, ["candidate", { roomId: "growth", data }]);
  expect(await ack(2, "\u0000".repeat(20_000))).toMatchObject({ ok: false, error: { code: "too-large" } });
  expect(await ack(3, '"'.repeat(40_000))).toMatchObject({ ok: false, error: { code: "too-large" } });
  expect(await ack(4, "a".repeat(60_000))).toEqual({ ok: true });
  const bytes = Buffer.alloc(30_000, 200);
  const binary = (id: number) =>
    sender.ask(id, ["candidate", { roomId: "growth", data: { _placeholder: true, num: 0 } }], bytes);
  expect(await binary(5)).toEqual({ ok: true });
  // On /ws it arrives as JSON.
  const raw = keep(await joinRoom(await connectRaw(replica.url), "growth"));
  expect(await binary(6)).toMatchObject({ ok: false, error: { code: "too-large" } });
  await until("what was allowed is there", () => receiver.got("candidate").length === 2);
  expect(raw.got("candidate")).toEqual([]);
});

test("meaningless packets do no harm and cost only their tokens", async () => {
  const [sender, receiver] = await pair("odd");
  sender.send(
    "43/signaling,1[]",
    `43/signaling,1${"[".repeat(500)}`,
    '44/signaling,{"message":"x"}',
    "44",
    "41",
    "43/x,9[1]",
  );
  sender.send('461-/signaling,1[{"_placeholder":true,"num":0}]', Buffer.from([1]));
  sender.send(`42/${"n".repeat(200_000)},["offer",{}]`, `40/${"n".repeat(200_000)},`, "4", "49", "42", "45", "45-[]");
  sender.send(`42/signaling,${"9".repeat(400)}["offer",{"roomId":"odd"}]`, `451000000000-/signaling,["offer",{}]`);
  const deep = `${"[".repeat(4_000)}${"]".repeat(4_000)}`;
  expect(await sender.ask(2, ["offer", { roomId: "odd", ack: 1e15 }])).toEqual({ ok: true });
  sender.send(`42/signaling,3["offer",{"roomId":"odd","x":${deep}}]`);
  await until("depth is refused", () => sender.having("43/signaling,3[").some((text) => text.includes('"invalid"')));
  sender.send('42/signaling,1000000000000000["bye",{"roomId":"odd","__proto__":{"polluted":1},"constructor":1}]');
  await until("its ack has its id", () => sender.having("43/signaling,1000000000000000[").length === 1);
  await until("the bye is there", () => receiver.got("bye").length === 1);
  expect(receiver.got("offer")).toHaveLength(1);
  expect([receiver.connected(), sender.isOpen()]).toEqual([true, true]);
});

test.for([
  ["events", "42/signaling,"],
  ["events of another namespace", "42/other,"],
  ["acks", "43/signaling,1"],
])("refused %s are read at a pace that their size sets, in a namespace or not", async ([, head]) => {
  const outside = keep(await connectEngine(replica.url, { enter: false }));
  const invalid = (event: string) => readMetric(replica, "signaling_events_total", { event, outcome: "invalid" });
  // Events that there are tokens for get an answer.
  const refused = async () => (await invalid("unknown")) + (await invalid("offer"));
  const before = await refused();
  const names = JSON.stringify(Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`k${index}`, {}])));
  const startedAt = performance.now();
  for (let count = 0; count < 12; count += 1) outside.send(`${head}["offer",${names}]`);
  await until("all are read", async () => (await refused()) - before >= 12, { withinMs: 20_000 });
  // Each costs more than 200 tokens, and there are 300. A pause of 200 ms follows each refused one.
  expect(performance.now() - startedAt).toBeGreaterThan(700);
  expect(outside.isOpen()).toBe(true);
});

test("joins and leaves have a bound of their own; a repeated join does not count", async () => {
  const peer = keep(await connectEngine(replica.url));
  const codes: unknown[] = [];
  for (let id = 1; id <= 12; id += 1) {
    const ack = await peer.ask(id, ["join", `room-${id}`]);
    codes.push(ack["ok"] || (ack["error"] as { code: string }).code);
  }
  expect(codes.filter((code) => code === true).length).toBeLessThan(12);
  expect(codes.at(-1)).toBe("rate-limited");
  expect(await peer.ask(20, ["join", "room-1"])).toMatchObject({ ok: true });
});
