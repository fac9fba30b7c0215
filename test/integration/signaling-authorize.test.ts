import { SignJWT } from "jose";
import { io } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createSignalingClient, type SignalingClient, type SignalingEvents } from "../../client/signaling-client.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

const secret = "a-secret-of-sixteen-bytes-at-least";
let redis: RedisServer;
let replica: Replica;
const clients: SignalingClient[] = [];
beforeAll(async () => {
  redis = await startRedisServer();
  const turn = { TURN_URLS: "turn:turn.example:3478,stun:stun.example:3478", TURN_SECRET: "turn-secret" };
  replica = await startReplica("signaling-1", redis.url, { AUTH: "jwt", JWT_SECRET: secret, ...turn });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await replica?.program[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
});

const tokenFor = (claims: Record<string, unknown>, lifeS = 300) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("alice")
    .setExpirationTime(Math.floor(Date.now() / 1000) + lifeS)
    .sign(new TextEncoder().encode(secret));

function connect(room: string, token?: string) {
  const client = createSignalingClient({ url: replica.url, transports: "websocket", ...(token ? { token } : {}) });
  clients.push(client);
  const ended: SignalingEvents["ended"][] = [];
  const joined: SignalingEvents["joined"][] = [];
  const left: string[] = [];
  client.on("ended", (event) => ended.push(event));
  client.on("joined", (event) => joined.push(event));
  client.on("peer-left", ({ reason }) => left.push(reason));
  client.join(room);
  return { client, ended, joined, left };
}

test("without a token the connection is refused with its code, and the client stops trying", async () => {
  const { ended } = connect("team-1");
  await until("refused", () => ended.length === 1);
  expect(ended[0]).toMatchObject({ reason: "refused", error: { code: "unauthorized" } });
});

test("a token opens its rooms, and the join ack has TURN credentials", async () => {
  const token = await tokenFor({ rooms: ["team-*"] });
  const inside = connect("team-1", token);
  const outside = connect("other", token);
  await until("joined", () => inside.joined.length === 1);
  await until("refused", () => outside.ended.length === 1);
  expect(outside.ended[0]).toMatchObject({ reason: "refused", error: { code: "unauthorized" } });
  expect(inside.joined[0]?.iceServers).toMatchObject([
    { urls: ["stun:stun.example:3478"] },
    { urls: ["turn:turn.example:3478"], username: expect.stringMatching(/^\d+:/), credential: expect.any(String) },
  ]);
});

test("a listener gets signals and may not offer", async () => {
  const talker = connect("team-2", await tokenFor({}));
  const listener = connect("team-2", await tokenFor({ role: "listener" }));
  await until("both joined", () => talker.joined.length === 1 && listener.joined.length === 1);
  expect(await listener.client.send("offer", {})).toMatchObject({ ok: false, error: { code: "unauthorized" } });
  expect(await listener.client.send("answer", {})).toMatchObject({ ok: true });
});

test("expiry ends the session: the client gets the reason, the others see it leave", async () => {
  const stays = connect("team-3", await tokenFor({}));
  await until("joined", () => stays.joined.length === 1);
  const socket = io(`${replica.url}/signaling`, {
    transports: ["websocket"],
    forceNew: true,
    auth: { token: await tokenFor({}, 4) },
  });
  const reports: unknown[] = [];
  socket.on("error-report", (report) => reports.push(report));
  await until("connected", () => socket.connected);
  expect(await socket.emitWithAck("join", "team-3", {})).toMatchObject({ ok: true });
  await until("it is ended", () => !socket.connected);
  expect(reports).toEqual([{ event: "token", code: "unauthorized", message: "the token has expired" }]);
  await until("the others are told", () => stays.left.includes("expired"));
});
