import { io, type Socket } from "socket.io-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeliveredSignal, JoinAck, RelayAck } from "../../common/protocol.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

let redis: RedisServer;
let replicas: Replica[];
const sockets: Socket[] = [];

beforeEach(async () => {
  redis = await startRedisServer();
  replicas = await Promise.all(["signaling-1", "signaling-2"].map((nodeId) => startReplica(nodeId, redis.url)));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

async function connect(replica: number) {
  const socket = io(`${replicas[replica]?.url}/signaling`, { transports: ["websocket"], forceNew: true });
  sockets.push(socket);
  const events: [string, Record<string, unknown>][] = [];
  socket.onAny((event, data) => events.push([event, data]));
  await until("connected", () => socket.connected);
  return {
    socket,
    events,
    join: (room: unknown, options: unknown = {}): Promise<JoinAck> => socket.emitWithAck("join", room, options),
    send: (event: string, signal: unknown): Promise<RelayAck> => socket.emitWithAck(event, signal),
    got: (event: string) => events.filter(([name]) => name === event).map(([, data]) => data),
  };
}

async function joined(replica: number, room: string) {
  const peer = await connect(replica);
  const ack = await peer.join(room);
  if (!ack.ok) throw new Error(ack.error.message);
  return { ...peer, ...ack };
}

test("peers on different replicas see each other and get signals once, with from and id", async () => {
  const a = await joined(0, "room");
  const b = await joined(1, "room");
  await until("a hears of b", () => a.got("peer-joined").length === 1);
  expect(a.got("peer-joined")[0]).toEqual({ roomId: "room", peerId: b.peerId, node: "signaling-2" });
  expect(b.peers).toEqual([{ peerId: a.peerId }]);
  expect(await a.send("offer", { roomId: "room", description: { type: "offer", sdp: "v=0" } })).toEqual({ ok: true });
  await until("b got the offer", () => b.got("offer").length === 1);
  const offer = b.got("offer")[0] as DeliveredSignal;
  expect(offer).toMatchObject({ roomId: "room", from: a.peerId, description: { type: "offer", sdp: "v=0" } });
  expect(offer.id).toBeTypeOf("string");
  expect(await b.send("answer", { roomId: "room", to: a.peerId })).toEqual({ ok: true });
  await until("a got the answer", () => a.got("answer").length === 1);
  expect(a.got("offer")).toEqual([]);
});

test("bad input gets a coded refusal and is not delivered", async () => {
  const a = await joined(0, "room");
  const b = await joined(1, "room");
  const code = async (ack: Promise<JoinAck | RelayAck>) => {
    const answer = await ack;
    return answer.ok ? "ok" : answer.error.code;
  };
  expect(await code(a.join("x".repeat(129)))).toBe("invalid");
  expect(await code(a.join(7))).toBe("invalid");
  expect(await code(a.send("offer", "text"))).toBe("invalid");
  expect(await code(a.send("offer", { roomId: b.socket.id }))).toBe("not-in-room");
  expect(await code(a.send("offer", { roomId: "elsewhere" }))).toBe("not-in-room");
  expect(await code(a.send("offer", { roomId: "room", sdp: "x".repeat(100_000) }))).toBe("too-large");
  expect(await code(a.send("shutdown", {}))).toBe("invalid");
  a.socket.emit("offer", { roomId: "elsewhere" });
  await until("a is told what it did not ask for", () => a.got("error-report").length === 1);
  expect(b.events.filter(([event]) => event !== "peer-joined")).toEqual([]);
});

test("a lost peer is away, a resume on another replica restores its id, a forged one does not", async () => {
  const a = await joined(0, "room");
  const b = await joined(1, "room");
  await until("a hears of b", () => a.got("peer-joined").length === 1);
  b.socket.disconnect();
  await until("a hears that b is away", () => a.got("peer-away").length === 1);
  expect(a.got("peer-away")[0]).toEqual({ roomId: "room", peerId: b.peerId, reason: "disconnected" });
  expect(await a.send("offer", { roomId: "room" })).toEqual({ ok: true, away: [b.peerId] });
  const back = await connect(0);
  expect(await back.join("room", { resume: b.resume })).toMatchObject({ ok: true, peerId: b.peerId });
  await until("a hears that b is back", () => a.got("peer-joined").length === 2);
  expect(a.got("peer-joined")[1]).toEqual({ roomId: "room", peerId: b.peerId, node: "signaling-1", resumed: true });
  const thief = await connect(1);
  const ack = await thief.join("room", { resume: `${b.resume.slice(0, -2)}xx` });
  expect(ack.ok && ack.peerId).not.toBe(b.peerId);
});

test("a resume supersedes an open older socket", async () => {
  const a = await joined(0, "room");
  const twin = await connect(1);
  expect(await twin.join("room", { resume: a.resume })).toMatchObject({ ok: true, peerId: a.peerId });
  await until("the older socket is told and ended", () => a.got("superseded").length === 1 && !a.socket.connected);
});

test("replicas survive the loss of Redis: local peers go on, remote sends are refused, and relay works when Redis is back", async () => {
  const a = await joined(0, "room");
  const c = await joined(0, "room");
  const b = await joined(1, "room");
  await until("all know b", () => a.got("peer-joined").length === 2);
  await redis.kill();
  const state = async () =>
    ((await (await fetch(`${replicas[0]?.adminUrl}/readyz`)).json()) as { state: string }).state;
  await until("the replica says that it is degraded", async () => (await state()) === "degraded");
  expect(await a.send("offer", { roomId: "room" })).toMatchObject({
    ok: false,
    error: { code: "backplane-down", delivered: "local" },
  });
  await until("the local peer got it", () => c.got("offer").length === 1);
  await redis.start();
  await until("ready again", async () => (await state()) === "ready", { withinMs: 3_000 });
  await until(
    "b gets signals again",
    async () => (await a.send("offer", { roomId: "room" })).ok && b.got("offer").length > 0,
  );
  expect(replicas.every(({ program }) => program.child.exitCode === null)).toBe(true);
  expect(b.got("peer-left")).toEqual([]);
});

test("the peers of a killed replica are away within 3 s; SIGTERM exits 0", async () => {
  const a = await joined(0, "room");
  const b = await joined(1, "room");
  await until("a hears of b", () => a.got("peer-joined").length === 1);
  replicas[1]?.program.kill("SIGKILL");
  await until("b is away", () => a.got("peer-away").length === 1, { withinMs: 4_000 });
  expect(a.got("peer-away")[0]).toEqual({ roomId: "room", peerId: b.peerId, reason: "replica-lost" });
  replicas[0]?.program.kill("SIGTERM");
  expect(await replicas[0]?.program.exited).toBe(0);
});
