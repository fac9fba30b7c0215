import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnel, upgradeRequest } from "../support/raw-socket.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../support/upstream.ts";

let upstream: Upstream;
let proxy: ProxyProgram;
async function start(options: UpstreamOptions = {}, env: Record<string, string> = {}): Promise<void> {
  upstream = await startUpstream("signaling-1", options);
  proxy = await startProxyProgram([upstream], {
    ADMIT_PER_SECOND: "100000",
    MAX_SESSIONS_PER_CLIENT_PER_SECOND: "100000",
    ...env,
  });
}
afterEach(async () => {
  expect(proxy.program.child.exitCode).toBeNull();
  expect(proxy.program.output()).not.toMatch(/uncaught|"level":"error"/);
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const tunnels = async () => (await proxy.replica("signaling-1")).tunnels;
/** Waits until descriptors and the gauge have their earlier values. Keep-alive connections to replicas end by then. */
const back = (baseline: number) =>
  until("descriptors and gauge are back at the baseline", async () => {
    return (await tunnels()) === 0 && proxy.descriptors() <= baseline + 2;
  });
const baselineNow = async () => {
  await tunnels();
  return proxy.descriptors();
};

test("the end of either side is passed on, and earlier bytes still arrive", async () => {
  const got: string[] = [];
  await start({
    onTunnel(socket) {
      socket.allowHalfOpen = true;
      socket.on("data", (chunk) => got.push(String(chunk)));
      socket.on("end", () => socket.end(`last words after ${got.join("")}`));
    },
  });
  const { socket } = await openTunnel(proxy.port);
  socket.end("first");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe("last words after first");
  await until("no tunnel is left", async () => (await tunnels()) === 0);
  expect(await proxy.metric('proxy_tunnels_closed_total{replica="signaling-1",reason="client-closed"}')).toBe(1);
});

test("a reset of one side destroys the other", async () => {
  await start();
  const { socket } = await openTunnel(proxy.port);
  await until("the replica sees it", () => upstream.sockets.size === 1);
  socket.resetAndDestroy();
  await until("the replica's side is closed", () => upstream.sockets.size === 0);
  const second = await openTunnel(proxy.port);
  await until("the replica sees it", () => upstream.sockets.size === 1);
  for (const side of upstream.sockets) side.resetAndDestroy();
  await once(second.socket.resume(), "close");
  await until("no tunnel is left", async () => (await tunnels()) === 0);
});

test("1,000 resets by clients before the 101, after it, and by replicas leave nothing behind", async () => {
  await start({
    onTunnel(socket, request) {
      if (request.url === "/ws?reset") setTimeout(() => socket.resetAndDestroy(), 1);
      else socket.pipe(socket);
    },
  });
  const baseline = await baselineNow();
  const resets = {
    async before() {
      const socket = connect(proxy.port, "127.0.0.1");
      socket.on("error", () => socket.destroy());
      await once(socket, "connect");
      socket.write(upgradeRequest());
      if (Math.random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    },
    async after() {
      const { socket } = await openTunnel(proxy.port);
      socket.write(randomBytes(100));
      socket.resetAndDestroy();
    },
    async byReplica() {
      const { socket } = await openTunnel(proxy.port, "/ws?reset");
      socket.resume();
      if (!socket.closed) await once(socket, "close");
    },
  };
  for (const reset of Object.values(resets))
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, reset));
  await back(baseline);
  expect((await openTunnel(proxy.port)).head).toMatch(/^HTTP\/1\.1 101/);
}, 120_000);

test("200 upgrades to a silent replica end with 504 at their deadline", async () => {
  await start({ onUpgrade: () => undefined }, { TRY_TIMEOUT_MS: "500" });
  const baseline = await baselineNow();
  const refusals = await Promise.all(
    Array.from({ length: 200 }, () =>
      openTunnel(proxy.port).then(
        () => "opened",
        (error: Error) => error.message,
      ),
    ),
  );
  expect(new Set(refusals)).toEqual(new Set(["HTTP/1.1 504 Gateway Timeout"]));
  await back(baseline);
});

test("a replica's refusal of an upgrade is passed on with its body, and closed", async () => {
  await start({
    onUpgrade: (_request, socket) =>
      socket.write("HTTP/1.1 401 Unauthorized\r\nServer: secret\r\nContent-Length: 4\r\n\r\nno", () =>
        setTimeout(() => socket.write("pe and more than was announced", () => socket.write("and more")), 20),
      ),
  });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.write(upgradeRequest());
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  expect(text).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\nConnection: close\r\n/);
  expect(text).toMatch(/\r\n\r\nnope$/);
  expect(text).not.toMatch("secret");
});

test("an answer that is not HTTP, or ends half-way, is a 502", async () => {
  await start({
    onUpgrade: (request, socket) => socket.end(request.url === "/ws?half" ? "HTTP/1.1 10" : "SSH-2.0\r\n\r\n"),
  });
  await expect(openTunnel(proxy.port, "/ws?half")).rejects.toThrow("502");
  await expect(openTunnel(proxy.port, "/ws?other")).rejects.toThrow("502");
});

test("the 101 has the sticky cookie and no software names, and the replica gets rebuilt headers", async () => {
  await start();
  const { head, socket } = await openTunnel(proxy.port, "/ws?room=1", ["X-Forwarded-For: 1.2.3.4", "Cookie: a=b"]);
  expect(head).toMatch(/\r\nset-cookie: sticky=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax/i);
  expect(head).not.toMatch("secret");
  expect(upstream.seen[0]?.headers).toMatchObject({
    host: "calls.example",
    cookie: "a=b",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    connection: "Upgrade",
    upgrade: "websocket",
  });
  expect(upstream.seen[0]?.headers["x-request-id"]).toMatch(/^[\w-]{22}$/);
  socket.destroy();
});

test("an upgrade with a head in pieces is relayed like any other", async () => {
  await start();
  const socket = connect(proxy.port, "127.0.0.1").setNoDelay(true);
  const head = upgradeRequest("/ws?in=pieces");
  for (const piece of [head.slice(0, 1), head.slice(1, 50), head.slice(50, -1), head.slice(-1)]) {
    socket.write(piece);
    // Each write is separate, because the proxy has read the one before.
    await tunnels();
  }
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString("latin1")).toMatch(/^HTTP\/1\.1 101 .*Set-Cookie: /s);
  socket.destroy();
});

test("a client that connects and leaves silently is released at once", async () => {
  await start({}, { HEAD_TIMEOUT_MS: "60000" });
  const baseline = await baselineNow();
  const leave = () => once(connect(proxy.port, "127.0.0.1").resume().end(), "close");
  await Promise.all(Array.from({ length: 50 }, leave));
  await back(baseline);
});

test("an idle tunnel is closed, a busy one is not", async () => {
  await start({}, { TUNNEL_IDLE_MS: "1500" });
  const idle = await openTunnel(proxy.port);
  const busy = await openTunnel(proxy.port);
  const ticking = setInterval(() => busy.socket.write("tick"), 100);
  busy.socket.resume();
  await once(idle.socket.resume(), "close");
  clearInterval(ticking);
  expect(busy.socket.destroyed).toBe(false);
  const idleClosed = () => proxy.metric('proxy_tunnels_closed_total{replica="signaling-1",reason="idle"}');
  await until("it is counted", async () => (await idleClosed()) === 1);
  busy.socket.destroy();
});
