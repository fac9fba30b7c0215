import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connectEngine } from "../support/engine/engine-peer.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { exchange, upgradeRequest } from "../support/raw-socket.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";

let redis: RedisServer;
let replica: Replica;

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, { MAX_BUFFERED_BYTES: "65536" });
});
afterAll(async () => {
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const endpoint = (query = "") => `${replica.url}/socket.io/?EIO=4&transport=polling${query}`;
const post = (sid: string, body: string) => fetch(endpoint(`&sid=${sid}`), { method: "POST", body });

/** A long-polling session in the namespace, without a client library. */
async function openSession(): Promise<string> {
  const open = await (await fetch(endpoint())).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  await post(sid, "40/signaling,");
  expect(await (await fetch(endpoint(`&sid=${sid}`))).text()).toContain('40/signaling,{"sid"');
  return sid;
}

test("malformed JSON on a poll gets an error-report with its code, and the session goes on", async () => {
  const sid = await openSession();
  expect((await post(sid, '42/signaling,["offer",{"roomId":')).status).toBe(200);
  const answer = await (await fetch(endpoint(`&sid=${sid}`))).text();
  expect(answer).toContain('"error-report"');
  expect(answer).toContain('"code":"invalid"');
  await post(sid, '42/signaling,7["join","room"]');
  expect(await (await fetch(endpoint(`&sid=${sid}`))).text()).toContain('43/signaling,7[{"ok":true');
});

test("an event without a name, or with a number as name, is refused without other effects", async () => {
  const sid = await openSession();
  for (const body of [
    "42/signaling,",
    "42/signaling,7",
    "42/signaling,[7]",
    "42/signaling,[]",
    "42/signaling,9[7,{}]",
  ]) {
    expect((await post(sid, body)).status).toBe(200);
    expect(await (await fetch(endpoint(`&sid=${sid}`))).text()).toContain('"code":"invalid"');
  }
});

test("a room id with a lone surrogate is invalid on both gateways", async () => {
  const sender = await connectEngine(replica.url);
  sender.send('42/signaling,2["join","a\\ud800"]');
  const raw = await connectRaw(replica.url);
  raw.socket.send('{"event":"join","data":{"roomId":"\\udc00"},"id":2}');
  await until("refused", () => sender.having("43/signaling,2[").some((text) => text.includes('"invalid"')));
  expect(await raw.join("🙂 a/b'é")).toMatchObject({ ok: true });
  for (const peer of [sender, raw]) peer.close();
});

test("a body that is not an Engine.IO packet ends only its own session, and its next request is refused", async () => {
  const witness = await joinRoom(await connectSocketIo(replica.url), "room");
  const sid = await openSession();
  await post(sid, '{"bad json');
  const next = await post(sid, "3");
  expect(next.status).toBe(400);
  expect(await next.json()).toEqual({ code: 1, message: "Session ID unknown" });
  expect(witness.connected()).toBe(true);
  witness.close();
});

test("a forged session id is refused with Engine.IO's code", async () => {
  for (const sid of ["signaling-1.AAAAAAAAAAAAAAAAAAAAAA", "signaling-9.x", "..%2F..", "%00"]) {
    const answer = await fetch(endpoint(`&sid=${sid}`));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ code: 1, message: "Session ID unknown" });
  }
});

test.each([
  ["a forged session id", "&sid=signaling-1.AAAAAAAAAAAAAAAAAAAAAA", [], "Session ID unknown"],
  ["another protocol's transport", "&transport=carrier-pigeon", [], "Transport unknown"],
  ["a page of another origin", "", ["Origin: https://evil.example"], "origin not allowed"],
])("an upgrade with %s is refused with Engine.IO's words, and closed", async (_, query, headers, words) => {
  const transport = query.includes("transport") ? "" : "&transport=websocket";
  const path = `/socket.io/?EIO=4${transport}${query}`;
  const answer = await exchange(replica.port, upgradeRequest(path, headers));
  expect(answer).toMatchObject({ status: 400, closed: true });
  expect(answer.text).toContain(words);
});

test("2 MB close their own connection: 413 on a poll, 1009 on a WebSocket", async () => {
  const sid = await openSession();
  const large = `42/signaling,["offer",{"roomId":"room","x":"${"x".repeat(2_000_000)}"}]`;
  expect((await post(sid, large)).status).toBe(413);
  const socket = new WebSocket(`${replica.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  let code: number | undefined;
  socket.on("error", () => socket.terminate());
  socket.on("close", (given) => {
    code = given;
  });
  await until("open", () => socket.readyState === socket.OPEN);
  socket.send(large);
  await until("closed", () => code !== undefined);
  expect([1006, 1009]).toContain(code);
});

test("a Socket.IO peer that does not read is closed as a slow consumer, and the others get all signals", async () => {
  const slow = await joinRoom(await connectSocketIo(replica.url, { reconnection: false }), "busy");
  const reader = await joinRoom(await connectSocketIo(replica.url), "busy");
  const sender = await joinRoom(await connectSocketIo(replica.url), "busy");
  const engine = slow.socket.io.engine as unknown as { transport: { ws: { _socket?: { pause(): void } } } };
  engine.transport.ws._socket?.pause();
  const padding = "x".repeat(60_000);
  const count = 200;
  for (let number = 0; number < count; number += 1) await sender.send("candidate", { roomId: "busy", number, padding });
  await until("the reader got all", () => reader.got("candidate").length === count);
  await until("the slow one is away", () => reader.got("peer-away").length === 1);
  expect(await (await fetch(`${replica.adminUrl}/metrics`)).text()).toMatch(
    /signaling_connections_closed_total\{reason="slow-consumer"\} 1/,
  );
  for (const peer of [slow, reader, sender]) peer.close();
});

test("the last words of a page that is closed count, though its poll ends before they come", async () => {
  const stays = await joinRoom(await connectSocketIo(replica.url), "last-words");
  const sid = await openSession();
  await post(sid, '42/signaling,1["join","last-words"]');
  expect(await (await fetch(endpoint(`&sid=${sid}`))).text()).toContain('43/signaling,1[{"ok":true');
  // An answer on another connection comes after what was sent before it was read.
  const roundTrip = () => fetch(`${replica.url}/`);
  const { hostname, port } = new URL(replica.url);
  const poll = connect(Number(port), hostname);
  poll.write(`GET /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  await roundTrip();
  const ended = () => readMetric(replica, "signaling_connections_closed_total", { reason: "transport-error" });
  const before = await ended();
  poll.destroy();
  await roundTrip();
  expect((await post(sid, '42/signaling,["leave","last-words"]')).status).toBe(200);
  await until("the room is told", () => stays.got("peer-left").length === 1);
  expect(stays.got("peer-left")[0]).toMatchObject({ reason: "left" });
  await until("the session has ended", async () => (await ended()) === before + 1);
  stays.close();
});

test("JSONP: a form is read as Engine.IO's client writes it, escaped line ends included", async () => {
  const jsonp = endpoint("&j=7");
  const ask = async (address: string) => {
    const text = await (await fetch(address)).text();
    expect(text).toMatch(/^___eio\[7\]\(".*"\);$/);
    return JSON.parse(text.slice("___eio[7](".length, -");".length)) as string;
  };
  const { sid } = JSON.parse((await ask(jsonp)).slice(1)) as { sid: string };
  const send = async (payload: string) => {
    const body = new URLSearchParams({ d: payload.replaceAll("\\n", "\\\\n") });
    return (await fetch(`${jsonp}&sid=${sid}`, { method: "POST", body })).status;
  };
  expect(await send("40/signaling,")).toBe(200);
  expect(await ask(`${jsonp}&sid=${sid}`)).toMatch(/^40\/signaling,/);
  expect(await send(`42/signaling,1${JSON.stringify(["join", "two\nlines"])}\x1e42/signaling,2["leave",7]`)).toBe(200);
  const acks = await ask(`${jsonp}&sid=${sid}`);
  expect(acks).toMatch(/^43\/signaling,1\[{"ok":true/);
  expect(acks).toContain('43/signaling,2[{"ok":false');
  const rooms = await (await fetch(`${replica.adminUrl}/rooms/${encodeURIComponent("two\nlines")}`)).json();
  expect(rooms).toMatchObject({ members: [{ node: "signaling-1" }] });
});
