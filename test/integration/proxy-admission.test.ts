import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { exchange, openTunnel } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
let proxy: ProxyProgram;
async function start(env: Record<string, string>): Promise<void> {
  upstream = await startUpstream("signaling-1");
  proxy = await startProxyProgram([upstream], env);
}
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
const handshake = () => fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling`);

test("new sessions reach a replica at its rate; some wait in a short queue, the rest get 503 with Retry-After", async () => {
  await start({ ADMIT_PER_SECOND: "40", ADMIT_QUEUE_MS: "500" });
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: 100 }, handshake));
  const spanMs = performance.now() - startedAt;
  const admitted = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503);
  expect(admitted.length + refused.length).toBe(100);
  expect(admitted.length).toBeGreaterThanOrEqual(28);
  expect(admitted.length).toBeLessThanOrEqual(10 + 0.04 * spanMs + 1);
  for (const answer of refused) expect(answer.headers.get("retry-after")).toBe("1");
  expect(upstream.seen).toHaveLength(admitted.length);
  expect(await proxy.metric('proxy_rejected_total{reason="admission"}')).toBe(refused.length);
});

test("admission never delays requests of a session", async () => {
  // Its share of the rate is a session in 100 s.
  await start({ ADMIT_PER_SECOND: "1", PROXIES: "100", ADMIT_QUEUE_MS: "0" });
  await handshake();
  expect((await handshake()).status).toBe(503);
  for (let i = 0; i < 20; i++)
    expect((await fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling&sid=signaling-1.x`)).status).toBe(200);
  (await openTunnel(proxy.port, "/socket.io/?EIO=4&transport=websocket&sid=signaling-1.x")).socket.destroy();
  await expect(openTunnel(proxy.port)).rejects.toThrow("503");
});

test("a client address cannot open sessions above its limit, and other addresses are not affected", async () => {
  await start({ MAX_SESSIONS_PER_CLIENT_PER_SECOND: "5", TRUSTED_PROXIES: "127.0.0.1" });
  const from = (ip: string) =>
    fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling`, { headers: { "x-forwarded-for": ip } });
  const startedAt = performance.now();
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await from("203.0.113.1")).status));
  const share = 5 + 0.005 * (performance.now() - startedAt);
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(share + 1);
  expect(statuses).toContain(503);
  expect((await from("203.0.113.2")).status).toBe(200);
  expect(await proxy.metric('proxy_rejected_total{reason="client-rate"}')).toBeGreaterThan(0);
});

async function idle(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

test.each([
  ["MAX_CONNECTIONS_PER_CLIENT", "20"],
  ["MAX_CONNECTIONS", "20"],
])("%s: a connection above it gets a refusal, and a free place is used again", async (name, cap) => {
  await start({ [name]: cap });
  const held = await Promise.all(Array.from({ length: Number(cap) }, idle));
  const answer = await exchange(proxy.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(answer).toMatchObject({ status: 503, closed: true });
  expect(answer.text).toMatch(/retry-after: 5/i);
  await expect(openTunnel(proxy.port)).rejects.toThrow("503");
  for (const socket of held) socket.destroy();
  await until("there is room again", async () => (await exchange(proxy.port, "GET / HTTP/1.0\r\n\r\n")).status === 200);
});

test("a client that leaves while it waits for admission does not reach a replica", async () => {
  // A session in 3 s: the client has that long to leave.
  await start({ ADMIT_PER_SECOND: "1", PROXIES: "3", ADMIT_QUEUE_MS: "20000", RETRY_DEADLINE_MS: "60000" });
  await handshake();
  const waiting = connect(proxy.port, "127.0.0.1");
  waiting.write("GET /socket.io/?EIO=4&leaves HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("it is known", async () => (await proxy.metric('proxy_routes_total{decision="new"}')) >= 2);
  waiting.destroy();
  // Its turn comes 3 s after that of the client that left.
  expect((await handshake()).status).toBe(200);
  expect(upstream.seen.map(({ url }) => url)).not.toContain("/socket.io/?EIO=4&leaves");
});
