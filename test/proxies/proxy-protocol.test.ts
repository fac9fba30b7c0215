import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnelOn, upgradeRequest } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { tcp4, tcp6, v2 } from "./proxy-headers.ts";

const dir = mkdtempSync(join(tmpdir(), "proxy-protocol-"));
let upstream: Upstream;
let proxy: ProxyProgram;
let port: number;
/** A proxy that waits for a header for a short time. What must pass goes to the other one, however slow it is. */
let hasty: ProxyProgram;
let hastyPort: number;
const env = { PROXY_PROTOCOL_FROM: "127.0.0.1" };
beforeAll(async () => {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const files = ["-keyout", join(dir, "key"), "-out", join(dir, "cert")];
  execFileSync("openssl", ["req", "-x509", ...curve, "-subj", "/CN=calls.example", ...files], { stdio: "ignore" });
  upstream = await startUpstream("signaling-1");
  port = await freePort();
  proxy = await startProxyProgram([upstream], {
    ...env,
    PROXY_PROTOCOL_PORT: String(port),
    MAX_CONNECTIONS_PER_CLIENT: "3",
  });
  hastyPort = await freePort();
  const short = { HEAD_TIMEOUT_MS: "600", PROXY_PROTOCOL_PORT: String(hastyPort) };
  hasty = await startProxyProgram([upstream], { ...env, ...short });
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await hasty?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const text = (line: string) => Buffer.from(line, "latin1");
const request = "GET / HTTP/1.1\r\nHost: calls.example\r\nX-Forwarded-For: 198.51.100.7\r\nConnection: close\r\n\r\n";
const cameByTls = [0x20, 0, 5, 1, 0, 0, 0, 0];

/** Writes the pieces, each once the one before is out, and reads until the connection is closed. */
async function answerTo(pieces: readonly Buffer[], { to = port, localAddress = "127.0.0.1", end = false } = {}) {
  const socket = connect({ port: to, host: "127.0.0.1", localAddress, noDelay: true });
  let answer = "";
  socket
    .on("error", () => socket.destroy())
    .on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
  if (end) socket.end();
  await closed;
  return answer;
}
const seenBy = (answer: string) =>
  (JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1)) as { headers: Record<string, string> })
    .headers;

test.each<[string, Buffer, string]>([
  ["v1 TCP4", text("PROXY TCP4 203.0.113.9 192.0.2.1 49153 443\r\n"), "203.0.113.9"],
  ["v1 TCP6", text("PROXY TCP6 2001:DB8::9 2001:db8::1 49153 443\r\n"), "2001:db8::9"],
  ["v1 TCP6, a mapped address", text("PROXY TCP6 ::ffff:203.0.113.9 ::1 49153 443\r\n"), "203.0.113.9"],
  ["v1 UNKNOWN", text("PROXY UNKNOWN\r\n"), "127.0.0.1"],
  ["v1 UNKNOWN with addresses", text("PROXY UNKNOWN 203.0.113.9 192.0.2.1 1 2\r\n"), "127.0.0.1"],
  ["v2 TCP4", v2(0x21, 0x11, tcp4(9)), "203.0.113.9"],
  ["v2 TCP6", v2(0x21, 0x21, tcp6), "2001:db8::9"],
  ["v2 with TLVs", v2(0x21, 0x11, [...tcp4(9), 0x02, 0, 2, 0x61, 0x62, 0xea, 0, 0]), "203.0.113.9"],
  ["v2 with a checksum", v2(0x21, 0x11, [...tcp4(9), 3, 0, 4, 0x39, 0x97, 0x8a, 0xc4]), "203.0.113.9"],
  [
    "v2 TCP6 with a long TLV",
    v2(0x21, 0x21, Buffer.concat([tcp6, Buffer.from([4, 0x0f, 0]), Buffer.alloc(3_840)])),
    "2001:db8::9",
  ],
  ["v2 LOCAL of an unknown family", v2(0x20, 0x41, [1, 2, 3]), "127.0.0.1"],
  ["v2 LOCAL", v2(0x20, 0x00), "127.0.0.1"],
  ["v2 LOCAL with addresses", v2(0x20, 0x11, tcp4(9)), "127.0.0.1"],
  ["v2 UNIX", v2(0x21, 0x31, Buffer.alloc(216, 0x2f)), "127.0.0.1"],
  ["v2 UNSPEC", v2(0x21, 0x00), "127.0.0.1"],
])("%s: the request goes on, from that client", async (_name, header, client) => {
  const whole = Buffer.concat([header, text(request)]);
  for (const pieces of [[whole], [header, text(request)], [...whole].map((byte) => Buffer.from([byte]))]) {
    const headers = seenBy(await answerTo(pieces));
    expect(headers["x-forwarded-for"]).toBe(client);
  }
  const socket = connect(port, "127.0.0.1");
  socket.write(header);
  const tunnel = await openTunnelOn(socket);
  tunnel.socket.destroy();
  expect(upstream.seen.at(-1)?.headers["x-forwarded-for"]).toBe(client);
});

test("a client that came to the balancer by TLS gets a cookie for TLS alone", async () => {
  const plain = await answerTo([v2(0x21, 0x11, tcp4(8)), text(request)]);
  const secure = await answerTo([v2(0x21, 0x11, [...tcp4(8), ...cameByTls]), text(request)]);
  expect(plain).toMatch(/set-cookie: (?!.*Secure)/i);
  expect(secure).toMatch(/set-cookie: .*Secure/i);
});

const header4 = text("PROXY TCP4 203.0.113.9 192.0.2.1 49153 443\r\n");
const hello = Buffer.from("1603010005010000010303", "hex");
test.each<[string, readonly Buffer[], object, string]>([
  ["from an address that is not trusted", [header4, text(request)], { localAddress: "127.0.0.2" }, "from"],
  ["without a header", [text(request)], {}, "header"],
  ["an upgrade without a header", [text(upgradeRequest())], {}, "header"],
  ["TLS without a header", [hello], {}, "header"],
  ["garbage", [Buffer.from([0, 1, 2, 3, 255])], {}, "header"],
  ["a malformed version 1", [text("PROXY TCP4 203.0.113.9 192.0.2.1 99999 443\r\n"), text(request)], {}, "header"],
  ["version 1 that ends with a line feed", [text("PROXY UNKNOWN\n"), text(request)], {}, "header"],
  ["version 1 that does not end", [text(`PROXY UNKNOWN ${"a".repeat(200)}`)], {}, "header"],
  ["version 2 of datagrams", [v2(0x21, 0x12, tcp4(9)), text(request)], {}, "header"],
  ["version 2 with an address too short", [v2(0x21, 0x21, tcp4(9)), text(request)], {}, "header"],
  ["version 2 with a TLV too long", [v2(0x21, 0x11, [...tcp4(9), 1, 255, 255]), text(request)], {}, "header"],
  [
    "version 2 with a wrong checksum",
    [v2(0x21, 0x11, [...tcp4(8), 3, 0, 4, 0x39, 0x97, 0x8a, 0xc4]), text(request)],
    {},
    "header",
  ],
  [
    "version 2 with a checksum of three bytes",
    [v2(0x21, 0x11, [...tcp4(9), 3, 0, 3, 1, 2, 3]), text(request)],
    {},
    "header",
  ],
  ["version 3", [v2(0x31, 0x11, tcp4(9)), text(request)], {}, "header"],
  ["version 2 with an unknown command", [v2(0x22, 0x11, tcp4(9)), text(request)], {}, "header"],
  [
    "version 2 of UNIX with an address too short",
    [v2(0x21, 0x31, Buffer.alloc(215, 0x2f)), text(request)],
    {},
    "header",
  ],
  ["version 1 of the other family", [text("PROXY TCP6 203.0.113.9 192.0.2.1 1 2\r\n"), text(request)], {}, "header"],
  ["a header that is cut", [header4.subarray(0, 20)], { end: true }, "header"],
  ["a header that stops half-way", [header4.subarray(0, 20)], {}, "timeout"],
  ["nothing at all", [], {}, "timeout"],
])("%s is cut without an answer; nothing reaches a replica", async (_name, pieces, options, reason) => {
  const [asked, to] = reason === "timeout" ? [hasty, hastyPort] : [proxy, port];
  const cut = () => asked.metric(`proxy_rejected_total{reason="proxy-protocol-${reason}"}`);
  const [seen, before] = [upstream.seen.length, await cut()];
  expect(await answerTo(pieces, { to, ...options })).toBe("");
  expect([upstream.seen.length, await cut()]).toEqual([seen, before + 1]);
});

test("a header that comes slower than its time is cut", async () => {
  const socket = connect(hastyPort, "127.0.0.1");
  const closed = once(socket.on("error", () => socket.destroy()).resume(), "close");
  let sent = 0;
  for (const byte of header4) {
    if (socket.destroyed) break;
    socket.write(Buffer.from([byte]));
    sent += 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await closed;
  expect(sent).toBeLessThan(header4.length);
});

test("a balancer's check that the port is open counts as nothing", async () => {
  const metrics = async () =>
    (await (await fetch(`${proxy.admin}/metrics`)).text()).match(/^proxy_rejected_total.*$/gm);
  const before = await metrics();
  expect(await answerTo([], { end: true })).toBe("");
  expect(await metrics()).toEqual(before);
});

test("a second header is no request", async () => {
  const seen = upstream.seen.length;
  expect(await answerTo([header4, header4, text(request)])).toMatch(/^HTTP\/1\.1 400 /);
  expect(upstream.seen.length).toBe(seen);
});

test("the plain listener reads no header, whoever sends one", async () => {
  const seen = upstream.seen.length;
  for (const header of [header4, v2(0x21, 0x11, tcp4(9)), v2(0x20, 0)])
    expect(await answerTo([Buffer.concat([header, text(request)])], { to: proxy.port })).toMatch(/^HTTP\/1\.1 400 /);
  expect(upstream.seen.length).toBe(seen);
});

test("limits count the client that the header names, one client apart from another", async () => {
  const open = async (last: number) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(v2(0x21, 0x11, tcp4(last)));
    return openTunnelOn(socket);
  };
  const sockets: Socket[] = [];
  for (let i = 0; i < 3; i++) sockets.push((await open(40)).socket);
  await expect(open(40)).rejects.toThrow("503");
  for (let i = 0; i < 3; i++) sockets.push((await open(41)).socket);
  for (const socket of sockets) socket.destroy();
  await until("they count no more", async () => {
    const { socket } = await open(40);
    socket.destroy();
    return true;
  });
});

test("TLS behind the header: the client's address, over a secure connection; plain is redirected", async () => {
  const balanced = String(await freePort());
  await using secure = await startProxyProgram([upstream], {
    ...env,
    PROXY_PROTOCOL_PORT: balanced,
    TLS_CERT: join(dir, "cert"),
    TLS_KEY: join(dir, "key"),
    PROXY_TLS_PORT: String(await freePort()),
  });
  expect(secure.port).toBeGreaterThan(0);
  const raw = connect(Number(balanced), "127.0.0.1");
  raw.write(header4);
  const socket = connectTls({ socket: raw, rejectUnauthorized: false });
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
  });
  socket.write(request);
  await once(socket, "close");
  expect(seenBy(answer)).toMatchObject({ "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https" });
  expect(answer).toMatch(/set-cookie: .*Secure/i);
  expect(await answerTo([header4, text(request)], { to: Number(balanced) })).toMatch(/^HTTP\/1\.1 308 /);
});

test("a listener without the addresses of its balancers is refused at the start", async () => {
  const starting = startProxyProgram([upstream], { PROXY_PROTOCOL_PORT: "0" });
  await expect(starting).rejects.toThrow("PROXY_PROTOCOL_PORT needs PROXY_PROTOCOL_FROM");
});

test("a proxy with connections that wait for a header ends in order", async () => {
  const balanced = await freePort();
  await using one = await startProxyProgram([upstream], {
    PROXY_PROTOCOL_FROM: "127.0.0.1",
    PROXY_PROTOCOL_PORT: String(balanced),
  });
  const socket = connect(balanced, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => socket.destroy()).write("PROXY ");
  const since = performance.now();
  one.program.kill("SIGTERM");
  expect(await one.program.exited).toBe(0);
  expect(performance.now() - since).toBeLessThan(5_000);
});
