import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { readSlowly, writeUnevenly } from "../support/load/byte-check.ts";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnel, openTunnelOn, upgradeRequest } from "../support/raw-socket.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../support/upstream.ts";

/** The bytes of tunnels: before, in and behind the upgrade, and how they are counted. */
let upstream: Upstream;
let proxy: ProxyProgram;
async function start(options: UpstreamOptions = {}): Promise<void> {
  upstream = await startUpstream("signaling-1", options);
  proxy = await startProxyProgram([upstream], {
    ADMIT_PER_SECOND: "100000",
    MAX_SESSIONS_PER_CLIENT_PER_SECOND: "100000",
  });
}
afterEach(async () => {
  expect(proxy.program.child.exitCode).toBeNull();
  expect(proxy.program.output()).not.toMatch(/uncaught|"level":"error"/);
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const tunnels = async () => (await proxy.replica("signaling-1")).tunnels;
/**
 * MiB. Without tuning each read is a Buffer of its own, and the young generation has no bound: 120 to 184 were measured.
 */
const maxGrowthMib = process.env["PROXY_TUNING"] === "off" ? 250 : 150;
const rssMiB = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.program.pid}/status`, "utf8"))?.[1]) / 1024;

test("50 tunnels, slow readers on both sides, 20 MB each way: every byte in order, memory bounded", async () => {
  const total = 20_000_000;
  const replicaSides = new Map<string, Socket>();
  await start({ onTunnel: (socket, request) => void replicaSides.set(request.url ?? "", socket) });
  const opened = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const { socket } = await openTunnel(proxy.port, `/ws?n=${index}`);
      return { client: socket, replica: replicaSides.get(`/ws?n=${index}`) as Socket };
    }),
  );
  async function play(socket: Socket) {
    const [sent, got] = await Promise.all([writeUnevenly(socket, total), readSlowly(socket, total)]);
    socket.resume().end();
    return { sent, got };
  }
  const before = rssMiB();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, rssMiB());
  }, 50);
  await Promise.all(
    opened.map(async ({ client, replica }) => {
      const [here, there] = await Promise.all([play(client), play(replica)]);
      expect(here.got).toBe(there.sent);
      expect(there.got).toBe(here.sent);
    }),
  );
  clearInterval(watch);
  expect(peak - before).toBeLessThan(maxGrowthMib);
  await until("no tunnel is left", async () => (await tunnels()) === 0);
}, 180_000);

test("bytes sent right after the upgrade request, and right after the 101, are relayed", async () => {
  await start({ onTunnel: (socket) => socket.write("hello ") && socket.pipe(socket) });
  const socket = connect(proxy.port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.write(`${upgradeRequest()}early`);
  await until("both have come", () => text.endsWith("\r\n\r\nhello early"));
  socket.destroy();
});

test("an upgrade behind a request waits for the answer, and gets the bytes behind it", async () => {
  const held: ServerResponse[] = [];
  await start({ onRequest: (_incoming, response) => held.push(response), onTunnel: (socket) => socket.pipe(socket) });
  const poll = `GET /socket.io/?EIO=4&transport=polling&sid=signaling-1.x HTTP/1.1\r\nHost: x\r\n\r\n`;
  const upgrade = poll.replace(
    "\r\n\r\n",
    "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const socket = connect(proxy.port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  socket.write(`${poll}${upgrade}behind it`);
  await until("the poll is held", () => held.length === 1);
  expect(await tunnels()).toBe(0);
  held[0]?.end("the answer");
  await until("the tunnel echoes", () => text.endsWith("behind it"));
  expect(text).toMatch(/^HTTP\/1\.1 200 .*the answerHTTP\/1\.1 101 /s);
  socket.destroy();
});

test("a few bytes before the 101 are kept, 60,000 end the connection", async () => {
  await start({ onUpgrade: () => undefined });
  const patient = connect(proxy.port, "127.0.0.1");
  const opening = openTunnelOn(patient, "/ws");
  patient.write(Buffer.alloc(1_000));
  const hasty = connect(proxy.port, "127.0.0.1");
  // A reset, if some of its bytes have not been read.
  const cut = expect(openTunnelOn(hasty, "/ws")).rejects.toThrow(/closed before an answer|ECONNRESET/);
  await until("both are under way", () => upstream.sockets.size === 2);
  hasty.write(Buffer.alloc(60_000));
  await cut;
  await expect(opening).rejects.toThrow("504");
});

test("bytes are counted in both directions, of live and of closed tunnels", async () => {
  await start();
  const { socket } = await openTunnel(proxy.port);
  socket.resume().write(randomBytes(100_000));
  const counted = () => proxy.metric('proxy_bytes_total{direction="out"}');
  await until("the echo is counted", async () => (await counted()) >= 100_000);
  const live = await counted();
  socket.end();
  await until("it is closed", async () => (await tunnels()) === 0);
  expect(await counted()).toBe(live);
});
