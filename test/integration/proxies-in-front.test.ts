import { randomUUID } from "node:crypto";
import { type IncomingHttpHeaders, request } from "node:http";
import { request as tlsRequest } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRawWsClient } from "../../client/raw-ws-client.ts";
import { createSignalingClient } from "../../client/signaling-client.ts";
import { documented, type Front, startHaproxy, startNginx, without } from "../support/front.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";
import { startStack, type TestStack } from "../support/stack.ts";

/** Limit of new sessions a second for each client address. */
const perSecond = 10;

/** One proxy trusts the proxy in front, the other does not. */
let trusting: TestStack;
let wary: TestStack;
beforeAll(async () => {
  const env = { LOG_LEVEL: "warn" };
  [trusting, wary] = await Promise.all([
    startStack({
      count: 1,
      env: { ...env, TRUSTED_PROXIES: "127.0.0.1", MAX_SESSIONS_PER_CLIENT_PER_SECOND: String(perSecond) },
    }),
    startStack({ count: 1, env }),
  ]);
});
afterAll(async () => {
  await trusting?.[Symbol.asyncDispose]();
  await wary?.[Symbol.asyncDispose]();
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An Engine.IO handshake from that address of the loopback interface. */
function handshake(
  url: string,
  from = "127.0.0.1",
  headers: Record<string, string> = {},
  path = "/socket.io/?EIO=4&transport=polling",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https") ? tlsRequest : request;
    const options = { localAddress: from, rejectUnauthorized: false, headers, agent: false };
    send(new URL(path, url), options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on("error", reject)
      .end();
  });
}

const fronts: Record<string, (upstream: string) => Promise<Front>> = {
  nginx: (upstream) => startNginx(documented("nginx"), upstream),
  HAProxy: (upstream) => startHaproxy(documented("haproxy"), upstream),
};

for (const [name, start] of Object.entries(fronts))
  test(`${name} with the documented lines: pages of its origin call each other on every transport; limits and Secure cookies are those of the clients`, async () => {
    await using front = await start(trusting.proxy.url);
    const room = randomUUID();
    // Like a browser, every handshake has the page's origin.
    const origin = { extraHeaders: { origin: front.url } };
    const a = await joinRoom(await connectSocketIo(front.url, { ...origin, transports: ["polling"] }), room);
    const b = await joinRoom(await connectSocketIo(front.url, { ...origin, transports: ["websocket"] }), room);
    const c = await joinRoom(await connectRaw(front.url, { headers: { origin: front.url } }), room);
    for (const peer of [a, b, c]) {
      expect(await peer.send("offer", { roomId: room, from: peer.peerId })).toEqual({ ok: true });
      const others = [a, b, c].filter((other) => other !== peer);
      await until("both others have it", () =>
        others.every((other) => other.got("offer").some(({ from }) => from === peer.peerId)),
      );
    }
    expect((await handshake(front.url, "127.0.0.10", { origin: "http://elsewhere.example" })).status).toBe(403);
    const posed = { origin: "http://elsewhere.example", "x-forwarded-host": "elsewhere.example" };
    expect((await handshake(front.url, "127.0.0.11", posed)).status).toBe(403);
    for (const peer of [a, b, c]) peer.close();

    const flood = await Promise.all(Array.from({ length: 60 }, () => handshake(front.url, "127.0.0.2")));
    expect(flood.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
    expect((await handshake(front.url, "127.0.0.3")).status).toBe(200);
    // The client's own headers do not count; else each request would come from another client.
    const posing = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        handshake(front.url, "127.0.0.2", { "x-forwarded-for": `127.0.1.${index}`, forwarded: `for=127.0.1.${index}` }),
      ),
    );
    expect(posing.filter(({ status }) => status === 503).length).toBeGreaterThan(0);

    const [cookie] = (await handshake(front.tlsUrl, "127.0.0.4")).headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^sticky=.*; Secure/);
    const [plain] =
      (await handshake(front.url, "127.0.0.5", { "x-forwarded-proto": "https" })).headers["set-cookie"] ?? [];
    expect(plain).toMatch(/^sticky=/);
    expect(plain).not.toMatch(/Secure/);
  });

test("nginx under a path, with the documented location: page, Socket.IO and /ws work from the prefixed address", async () => {
  await using front = await startNginx(documented("nginx"), wary.proxy.url, documented("nginx", 1));
  const url = `${front.url}/calls/`;
  const page = await (await fetch(url)).text();
  const [asset = ""] = /\.\/assets\/[^"]+\.js/.exec(page) ?? [];
  expect((await fetch(new URL(asset, url))).headers.get("content-type")).toMatch(/javascript/);
  const room = randomUUID();
  const offers: unknown[] = [];
  const raw = createRawWsClient({ url });
  raw.on("signal", ({ event }) => offers.push(event));
  const ready = Promise.withResolvers<void>();
  raw.on("joined", () => ready.resolve());
  raw.join(room);
  await ready.promise;
  const client = createSignalingClient({ url });
  client.join(room);
  expect(await client.send("offer", {})).toEqual({ ok: true });
  await until("the offer arrived", () => offers.length === 1);
  await client.close();
  raw.close();
});

test("nginx without Host: the page's origin is refused, and the log names both values and the setting", async () => {
  await using front = await startNginx(without(documented("nginx"), /Host/), trusting.proxy.url);
  const answer = await handshake(front.url, "127.0.0.6", { origin: front.url });
  expect(answer.status).toBe(403);
  const logs = () => trusting.replicas.map(({ program }) => program.output()).join() + trusting.proxy.output();
  await until("the log says why", () =>
    logs()
      .split("\n")
      .some((line) => line.includes(front.url) && /ALLOWED_ORIGINS|X-Forwarded-Host/.test(line)),
  );
});

test("nginx without Upgrade: 426 that names the headers; clients that may poll use polling", async () => {
  await using front = await startNginx(
    without(documented("nginx"), /Upgrade/, /header Connection/),
    trusting.proxy.url,
  );
  const path = "/socket.io/?EIO=4&transport=websocket";
  const answer = await handshake(front.url, "127.0.0.7", { connection: "Upgrade", upgrade: "websocket" }, path);
  expect([answer.status, answer.body]).toEqual([426, expect.stringMatching(/Upgrade and Connection/)]);
  const client = createSignalingClient({ url: front.url });
  client.join(randomUUID());
  expect(await client.send("offer", {})).toEqual({ ok: true });
  await client.close();
});

for (const [name, start] of Object.entries(fronts))
  test(`${name} outside TRUSTED_PROXIES: its forwarding headers are ignored, and the log names the setting`, async () => {
    // It says so once.
    await using fresh = await startStack({ count: 1, env: { LOG_LEVEL: "warn" } });
    await using front = await start(fresh.proxy.url);
    const [cookie] = (await handshake(front.tlsUrl)).headers["set-cookie"] ?? [];
    expect(cookie).not.toMatch(/Secure/);
    await until("the log names it", () => /X-Forwarded-For is ignored.*TRUSTED_PROXIES/.test(fresh.proxy.output()));
  });

test("a trusted HAProxy without forwardfor: the log says that all its clients count as one", async () => {
  await using front = await startHaproxy(without(documented("haproxy"), /forwardfor/), trusting.proxy.url);
  await handshake(front.url, "127.0.0.8");
  await until("the log says so", () =>
    /in TRUSTED_PROXIES, but sends no X-Forwarded-For/.test(trusting.proxy.output()),
  );
});
