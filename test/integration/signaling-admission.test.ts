import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { io } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RAW_WS_SUBPROTOCOL } from "../../common/protocol-names.ts";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";

const secret = "a secret of the test, long enough";
let redis: RedisServer;
let replica: Replica;

beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, {
    AUTH: "jwt",
    JWT_SECRET: secret,
    JWT_AUDIENCE: "calls",
    TURN_URLS: "turn:turn.example:3478",
    TURN_SECRET: "turn secret",
  });
});
afterAll(async () => {
  await replica.program[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

function mint(claims: Record<string, unknown>, { key = secret, audience = "calls", ttlSeconds = 60 } = {}) {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setAudience(audience)
    .setSubject("ann")
    .setExpirationTime(Math.floor(Date.now() / 1000) + ttlSeconds)
    .sign(new TextEncoder().encode(key));
}

function refusalOf(token: unknown): Promise<{ code: string; message: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: string; message: string }>();
  const socket = io(`${replica.url}/signaling`, { transports: ["websocket"], forceNew: true, auth: { token } });
  socket.on("connect_error", (error) => {
    socket.disconnect();
    resolve((error as unknown as { data: { code: string; message: string } }).data);
  });
  return promise;
}

test("without a valid token the connection is refused with a code", async () => {
  const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from('{"sub":"ann"}').toString("base64url")}.`;
  const bad = [
    undefined,
    42,
    "garbage",
    unsigned,
    await mint({ rooms: ["*"] }, { key: "another secret, long enough too" }),
    await mint({ rooms: ["*"] }, { audience: "elsewhere" }),
    await mint({ rooms: ["*"] }, { ttlSeconds: -10 }),
  ];
  for (const token of bad) expect(await refusalOf(token)).toMatchObject({ code: "unauthorized" });
  await expect(connectRaw(replica.url)).rejects.toThrow("401");
});

test("a token opens its rooms on both gateways; the join ack has TURN credentials", async () => {
  const token = await mint({ rooms: ["lobby", "team-*-daily"] });
  const peers = [
    await connectSocketIo(replica.url, { auth: { token } }),
    await connectRaw(replica.url, { protocols: [RAW_WS_SUBPROTOCOL, `bearer.${token}`] }),
  ];
  for (const peer of peers) {
    const ack = await peer.join("team-a-daily");
    expect(ack).toMatchObject({ ok: true });
    const [server] = (ack.ok && ack.iceServers) || [];
    expect(server?.urls).toEqual(["turn:turn.example:3478"]);
    expect(server?.credential).toBe(
      createHmac("sha1", "turn secret")
        .update(server?.username ?? "")
        .digest("base64"),
    );
    expect(await peer.join("lobby2")).toMatchObject({ ok: false, error: { code: "unauthorized" } });
    expect(await peer.join("team-daily")).toMatchObject({ ok: false, error: { code: "unauthorized" } });
    peer.close();
  }
});

test("when the token expires the session ends, its peer gets the reason and the others see it leave", async () => {
  const witness = await joinRoom(
    await connectSocketIo(replica.url, { auth: { token: await mint({ rooms: ["*"] }) } }),
    "x",
  );
  const token = await mint({ rooms: ["x"] }, { ttlSeconds: 4 });
  const peers = [
    await joinRoom(await connectSocketIo(replica.url, { auth: { token }, reconnection: false }), "x"),
    await joinRoom(await connectRaw(replica.url, { protocols: [RAW_WS_SUBPROTOCOL, `bearer.${token}`] }), "x"),
  ];
  await until("both ended", () => peers.every((peer) => !peer.connected()));
  for (const peer of peers)
    expect(peer.got("error-report")).toEqual([
      { event: "token", code: "unauthorized", message: "the token has expired" },
    ]);
  await until("the others know", () => witness.got("peer-left").length === 2);
  expect(witness.got("peer-left").map(({ reason }) => reason)).toEqual(["expired", "expired"]);
  witness.close();
});

test("a resume token does not work for another subject", async () => {
  const ann = await joinRoom(
    await connectSocketIo(replica.url, { auth: { token: await mint({ rooms: ["*"] }) } }),
    "y",
  );
  const token = await new SignJWT({ rooms: ["*"] })
    .setProtectedHeader({ alg: "HS256" })
    .setAudience("calls")
    .setSubject("bob")
    .setExpirationTime("1m")
    .sign(new TextEncoder().encode(secret));
  const bob = await joinRoom(await connectSocketIo(replica.url, { auth: { token } }), "y", { resume: ann.resume });
  expect(bob.peerId).not.toBe(ann.peerId);
  ann.close();
  bob.close();
});

test("keys of a JWKS URL: a signature by one is valid, an HMAC with the public key is not", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const other = await startReplica("signaling-2", redis.url, { AUTH: "jwt", JWKS_URL: url, JWT_AUDIENCE: "calls" });
  await using _other = other.program;
  const sign = (alg: string, key: Parameters<SignJWT["sign"]>[0]) =>
    new SignJWT({ rooms: ["*"] })
      .setProtectedHeader({ alg, kid: "one" })
      .setAudience("calls")
      .setSubject("ann")
      .setExpirationTime("1m")
      .sign(key);
  const forged = await sign("HS256", new TextEncoder().encode(JSON.stringify(jwk)));
  const bearer = (token: string) => ({ protocols: [RAW_WS_SUBPROTOCOL, `bearer.${token}`] });
  await expect(connectRaw(other.url, bearer(forged))).rejects.toThrow("401");
  const peer = await connectRaw(other.url, bearer(await sign("ES256", privateKey)));
  await joinRoom(peer, "room");
  peer.close();
  server.close();
});

test("a key set opens nothing by default: an audience or issuer, and rooms in the token, are required", async () => {
  const env = { AUTH: "jwt", JWKS_URL: "http://127.0.0.1:9/jwks.json", REDIS_URL: redis.url };
  const program = startProgram("node", ["services/signaling/main.ts"], env);
  expect(await program.exited).toBe(78);
  expect(program.output()).toContain("JWT_AUDIENCE or JWT_ISSUER");

  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setIssuer("https://id.example")
    .setSubject("ann")
    .setExpirationTime("1m")
    .sign(privateKey);
  const codes: (string | undefined)[] = [];
  for (const more of [{}, { JWT_WITHOUT_ROOMS: "all" }]) {
    const keySet = { AUTH: "jwt", JWKS_URL: url, JWT_ISSUER: "https://id.example", ...more };
    const other = await startReplica("signaling-2", redis.url, keySet);
    await using _other = other.program;
    const peer = await connectSocketIo(other.url, { auth: { token } });
    const ack = await peer.join("room");
    codes.push(ack.ok ? undefined : ack.error.code);
    peer.close();
  }
  expect(codes).toEqual(["unauthorized", undefined]);
  server.close();
});

test("make token's program mints a token that opens its room", async () => {
  const cli = startProgram("node", ["services/signaling/token/cli.ts"], {
    ROOM: "minted",
    JWT_SECRET: secret,
    JWT_AUDIENCE: "calls",
  });
  expect(await cli.exited).toBe(0);
  const peer = await connectSocketIo(replica.url, { auth: { token: cli.output().trim() } });
  await joinRoom(peer, "minted");
  peer.close();
});

test("AUTH=jwt without a key ends with one line and 78", async () => {
  const program = startProgram("node", ["services/signaling/main.ts"], { AUTH: "jwt", REDIS_URL: redis.url });
  expect(await program.exited).toBe(78);
  expect(program.output()).toContain("AUTH=jwt needs it");
});
