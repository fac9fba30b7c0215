import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRawWsClient } from "../../client/raw-ws-client.ts";
import { createSignalingClient } from "../../client/signaling-client.ts";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

const secret = "a-secret-of-sixteen-bytes-at-least";
let redis: RedisServer;
let replica: Replica;
const clients: { close(): unknown }[] = [];
beforeAll(async () => {
  redis = await startRedisServer();
  replica = await startReplica("signaling-1", redis.url, { AUTH: "jwt", JWT_SECRET: secret });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(async () => {
  await replica?.program[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
});

const tokenFor = (lifeS = 300, claims: Record<string, unknown> = {}) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("alice")
    .setExpirationTime(Math.floor(Date.now() / 1000) + lifeS)
    .sign(new TextEncoder().encode(secret));

type Token = string | (() => string | Promise<string>);
const kinds = {
  "Socket.IO": (token: Token, url: string) => createSignalingClient({ url, token, random: () => 0.2 }),
  "/ws": (token: Token, url: string) => createRawWsClient({ url, token, random: () => 0.2 }),
} as const;

/** A client with that token, and its events. */
function connect(kind: keyof typeof kinds, token: Token, { url = replica.url } = {}) {
  const client = kinds[kind](token, url);
  clients.push(client);
  const joined: string[] = [];
  const reports: string[] = [];
  const ended: unknown[] = [];
  const on = client.on as ReturnType<(typeof kinds)["/ws"]>["on"];
  on("joined", ({ peerId }) => joined.push(peerId));
  on("error-report", ({ message }) => reports.push(message));
  on("ended", (end) => ended.push(end));
  client.join("team-1");
  return { joined, reports, ended };
}

/** Returns these one after the other, and then always the last. Throws an Error among them. */
function tokens(...given: (string | Error)[]) {
  const asked: (string | Error)[] = [];
  return {
    asked,
    token: async () => {
      const next = given[Math.min(asked.length, given.length - 1)] ?? "";
      asked.push(next);
      if (next instanceof Error) throw next;
      return next;
    },
  };
}

for (const kind of ["Socket.IO", "/ws"] as const) {
  test(`${kind}: an application without a token for now is asked again, and the client stays alive`, async () => {
    const { asked, token } = tokens(new Error("503 from the token service"), new Error("offline"), await tokenFor());
    const { joined, reports, ended } = connect(kind, token);
    await until("joined", () => joined.length === 1);
    expect(asked).toHaveLength(3);
    expect(reports.join()).toMatch(/503 from the token service.*offline/);
    expect(ended).toEqual([]);
  });

  test(`${kind}: after a refused token the application is asked for another`, async () => {
    const { asked, token } = tokens(await tokenFor(-60), await tokenFor());
    const { joined, ended } = connect(kind, token);
    await until("joined", () => joined.length === 1);
    expect(asked).toHaveLength(2);
    expect(ended).toEqual([]);
  });

  test(`${kind}: an expired token is replaced, and the peer keeps its id`, async () => {
    const { asked, token } = tokens(await tokenFor(4), await tokenFor(4), await tokenFor());
    const { joined, ended } = connect(kind, token);
    await until("joined with the token after the expired ones", () => asked.length >= 3 && joined.length >= 2, {
      withinMs: 15_000,
    });
    expect(new Set(joined).size).toBe(1);
    expect(ended).toEqual([]);
  });

  test(`${kind}: a token for other rooms, given twice, ends the client`, async () => {
    const { asked, token } = tokens(await tokenFor(300, { rooms: ["other"] }));
    const { ended } = connect(kind, token);
    await until("ended", () => ended.length === 1);
    expect(JSON.stringify(ended)).toMatch(/"reason":"refused".*unauthorized/);
    expect(asked).toHaveLength(2);
  });
}

test("Socket.IO: a fixed token that was refused ends the client at once", async () => {
  const { ended, joined } = connect("Socket.IO", await tokenFor(-60));
  await until("ended", () => ended.length === 1);
  expect(joined).toEqual([]);
});

test("/ws: a fixed token that expires ends the client", async () => {
  const { ended, joined } = connect("/ws", await tokenFor(4));
  await until("ended", () => ended.length === 1);
  expect([joined.length, ended]).toEqual([1, [{ reason: "refused", code: "4000" }]]);
});

test("without the key server a fixed token waits on both gateways, and the clients stay alive", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "first", alg: "ES256" }] };
  let up = false;
  const server = createServer((_, response) => response.writeHead(up ? 200 : 503).end(JSON.stringify(keys)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const env = { AUTH: "jwt", JWKS_URL: `http://127.0.0.1:${port}`, JWT_AUDIENCE: "calls" };
  const other = await startReplica("signaling-2", redis.url, env);
  const token = await new SignJWT({ aud: "calls", rooms: ["*"] })
    .setProtectedHeader({ alg: "ES256", kid: "first" })
    .setSubject("alice")
    .setExpirationTime("5m")
    .sign(privateKey);
  const both = (["Socket.IO", "/ws"] as const).map((kind) => connect(kind, token, { url: other.url }));
  const told = { event: "connect", outcome: "overloaded" };
  await until(
    "both were told to come later",
    async () => (await readMetric(other, "signaling_events_total", told)) >= 2,
  );
  up = true;
  await until("both joined", () => both.every(({ joined }) => joined.length === 1), { withinMs: 20_000 });
  expect(both.flatMap(({ ended }) => ended)).toEqual([]);
  for (const client of clients.splice(0)) await client.close();
  await other.program[Symbol.asyncDispose]();
  server.close();
});
