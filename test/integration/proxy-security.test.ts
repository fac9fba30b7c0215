import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { exchange, openTunnel, upgradeRequest } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
let proxy: ProxyProgram;
beforeAll(async () => {
  upstream = await startUpstream("signaling-1");
  proxy = await startProxyProgram([upstream], {
    HEAD_TIMEOUT_MS: "1000",
    ALLOWED_ORIGINS: "https://app.example",
    MAX_BODY_BYTES: "1000",
  });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const eio = "/socket.io/?EIO=4&transport=polling";
const request = (line: string, headers: string[] = [], body = "") =>
  [line, "Host: calls.example", ...headers, "", body].join("\r\n");
const chunked = "Transfer-Encoding: chunked";
const chunks = "5\r\nhello\r\n0\r\n\r\n";

const refused: [what: string, status: number, bytes: string][] = [
  ["CL and TE", 400, request(`POST ${eio} HTTP/1.1`, ["Content-Length: 4", chunked], chunks)],
  ["TE and CL", 400, request(`POST ${eio} HTTP/1.1`, [chunked, "Content-Length: 4"], chunks)],
  ["two different CL", 400, request(`POST ${eio} HTTP/1.1`, ["Content-Length: 4", "Content-Length: 5"], "hello")],
  ["two equal CL", 400, request(`POST ${eio} HTTP/1.1`, ["Content-Length: 5", "Content-Length: 5"], "hello")],
  ["a CL list", 400, request(`POST ${eio} HTTP/1.1`, ["Content-Length: 5, 5"], "hello")],
  ["a signed CL", 400, request(`POST ${eio} HTTP/1.1`, ["Content-Length: +5"], "hello")],
  ["a hex CL", 400, request(`POST ${eio} HTTP/1.1`, ["Content-Length: 0x5"], "hello")],
  ["two TE", 400, request(`POST ${eio} HTTP/1.1`, [chunked, chunked], chunks)],
  ["TE gzip, chunked", 400, request(`POST ${eio} HTTP/1.1`, ["Transfer-Encoding: gzip, chunked"], chunks)],
  ["TE chunked, identity", 400, request(`POST ${eio} HTTP/1.1`, ["Transfer-Encoding: chunked, identity"], chunks)],
  ["an obscured TE", 400, request(`POST ${eio} HTTP/1.1`, ["Transfer-Encoding: xchunked"], chunks)],
  ["a blank before the colon", 400, request(`POST ${eio} HTTP/1.1`, ["Transfer-Encoding : chunked"], chunks)],
  ["TE on HTTP/1.0", 400, request(`POST ${eio} HTTP/1.0`, [chunked], chunks)],
  ["obs-fold", 400, request(`GET ${eio} HTTP/1.1`, ["X-A: 1", " folded"])],
  ["a bare LF head", 400, `GET ${eio} HTTP/1.1\nHost: x\n\n`],
  ["a bare CR in a value", 400, request(`GET ${eio} HTTP/1.1`, ["X-A: 1\r2"])],
  ["a NUL in a value", 400, request(`GET ${eio} HTTP/1.1`, ["X-A: 1\x002"])],
  ["no header name", 400, request(`GET ${eio} HTTP/1.1`, [": x"])],
  ["chunked on GET", 400, request(`GET ${eio} HTTP/1.1`, [chunked], chunks)],
  ["chunked on HEAD", 400, request(`HEAD ${eio} HTTP/1.1`, [chunked], chunks)],
  ["chunked on DELETE", 400, request(`DELETE ${eio} HTTP/1.1`, [chunked], chunks)],
  ["chunked on OPTIONS", 400, request(`OPTIONS ${eio} HTTP/1.1`, [chunked], chunks)],
  ["a bad chunk size", 400, request(`POST ${eio} HTTP/1.1`, [chunked], "zz\r\nhello\r\n0\r\n\r\n")],
  ["a chunk longer than said", 400, request(`POST ${eio} HTTP/1.1`, [chunked], "3\r\nhello\r\n0\r\n\r\n")],
  ["no Host", 400, `GET ${eio} HTTP/1.1\r\n\r\n`],
  ["two Hosts", 400, request(`GET ${eio} HTTP/1.1`, ["Host: other.example"])],
  ["absolute form", 400, request(`GET http://calls.example${eio} HTTP/1.1`)],
  ["authority form", 400, request("GET calls.example:80 HTTP/1.1")],
  ["asterisk form", 400, request("OPTIONS * HTTP/1.1")],
  ["CONNECT", 405, request("CONNECT calls.example:443 HTTP/1.1")],
  ["TRACE", 405, request(`TRACE ${eio} HTTP/1.1`)],
  ["POST to the page", 405, request("POST / HTTP/1.1", ["Content-Length: 0"])],
  ["DELETE of an asset", 405, request("DELETE /assets/app.js HTTP/1.1")],
  ["an unknown method", 400, request("SPLICE / HTTP/1.1")],
  ["HTTP/2 prior knowledge", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["HTTP/0.9", 400, "GET /\r\n\r\n"],
  ["a version that is none", 400, request("GET / HTTP/3.7")],
  ["a TLS hello on the plain port", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["another path", 404, request("GET /metrics HTTP/1.1")],
  ["the probe's path", 404, request("GET /readyz HTTP/1.1")],
  ["a prefix without its slash", 404, request("GET /socket.io HTTP/1.1")],
  ["more than the exact path", 404, request("GET /ws/x HTTP/1.1")],
  ["a way out by dots", 400, request("GET /assets/../metrics HTTP/1.1")],
  ["a way out by encoded dots", 400, request("GET /assets/%2e%2e/metrics HTTP/1.1")],
  ["a way out by an encoded slash", 400, request("GET /assets/..%2fmetrics HTTP/1.1")],
  ["a backslash", 400, request("GET /assets/..\\metrics HTTP/1.1")],
  ["a fragment", 400, request("GET /#x HTTP/1.1")],
  ["a head over 16 KiB", 431, request("GET / HTTP/1.1", [`X-A: ${"a".repeat(20_000)}`])],
  ["a head of 300 headers", 431, request("GET / HTTP/1.1", Array<string>(300).fill("X-A: b"))],
  ["an upgrade of 300 headers", 431, upgradeRequest("/ws", Array<string>(300).fill("X-A: b"))],
  ["a body over the limit", 413, request(`POST ${eio} HTTP/1.1`, ["Content-Length: 1001"], "x".repeat(1_001))],
  ["an unknown expectation", 417, request(`GET ${eio} HTTP/1.1`, ["Expect: 200-maybe"])],
  ["an upgrade by POST", 400, upgradeRequest().replace("GET", "POST")],
  ["an upgrade on HTTP/1.0", 400, upgradeRequest().replace("HTTP/1.1", "HTTP/1.0")],
  ["an upgrade with a body", 400, upgradeRequest("/ws", ["Content-Length: 5"]).concat("hello")],
  ["a chunked upgrade", 400, upgradeRequest("/ws", [chunked]).concat(chunks)],
  ["an upgrade without a key", 400, upgradeRequest().replace(/Sec-WebSocket-Key.*\r\n/, "")],
  ["an upgrade with two keys", 400, upgradeRequest("/ws", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])],
  ["an upgrade elsewhere", 404, upgradeRequest("/admin")],
  ["an upgrade from another site", 403, upgradeRequest("/ws", ["Origin: https://evil.example"])],
  ["an upgrade from a null origin", 403, upgradeRequest("/ws", ["Origin: null"])],
];

test.each(refused)("%s: %i, closed, and nothing reaches a replica", async (_what, status, bytes) => {
  upstream.seen.length = 0;
  const answer = await exchange(proxy.port, bytes);
  expect(answer).toMatchObject({ status, closed: true });
  expect(answer.text).not.toMatch(/^server:/im);
  await fetch(`${proxy.url}/?fence`);
  expect(upstream.seen.map(({ url }) => url)).toEqual(["/?fence"]);
});

test("a second request smuggled behind a refused one is not served", async () => {
  upstream.seen.length = 0;
  const smuggled = request("GET / HTTP/1.1");
  const answer = await exchange(
    proxy.port,
    request(`POST ${eio} HTTP/1.1`, ["Content-Length: 4", chunked], `0\r\n\r\n${smuggled}`),
  );
  expect(answer.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  await fetch(`${proxy.url}/?fence`);
  expect(upstream.seen.map(({ url }) => url)).toEqual(["/?fence"]);
});

test("a head of 100 lines passes, one of 101 is refused, one of 3,000 too", async () => {
  upstream.seen.length = 0;
  const lines = (count: number) =>
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${"a:b\r\n".repeat(count - 2)}\r\n`;
  expect((await exchange(proxy.port, lines(100))).status).toBe(200);
  expect((await exchange(proxy.port, lines(101))).status).toBe(431);
  expect((await exchange(proxy.port, lines(3_000))).status).toBe(431);
  expect(upstream.seen.filter(({ url }) => url === "/").length).toBe(1);
});

test("a head that trickles is cut with 408 at its deadline", async () => {
  const startedAt = performance.now();
  const answer = await exchange(proxy.port, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow:", 5_000);
  expect(answer).toMatchObject({ status: 408, closed: true });
  expect(performance.now() - startedAt).toBeLessThan(2_500);
});

test("a silent connection is closed at the same deadline", async () => {
  expect((await exchange(proxy.port, "", 5_000)).closed).toBe(true);
});

test("a chunked body over the limit is cut with 413", async () => {
  const body = `3e8\r\n${"x".repeat(1_000)}\r\n5\r\nhello\r\n0\r\n\r\n`;
  expect(await exchange(proxy.port, request(`POST ${eio} HTTP/1.1`, [chunked], body))).toMatchObject({
    status: 413,
    closed: true,
  });
});

test.each([
  ["the same origin", "http://calls.example"],
  ["an allowed origin", "https://app.example"],
])("an upgrade from %s passes", async (_what, origin) => {
  const { socket, head } = await openTunnel(proxy.port, "/ws", [`Origin: ${origin}`]);
  socket.destroy();
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
});

test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])(
  "the Engine.IO path passes %s",
  async (method) => {
    expect((await fetch(`${proxy.url}${eio}`, { method })).status).toBe(200);
    expect(upstream.seen.at(-1)?.method).toBe(method);
  },
);

test("refusals are counted by reason", async () => {
  expect(await proxy.metric('proxy_rejected_total{reason="smuggling"}')).toBeGreaterThan(0);
  expect(await proxy.metric('proxy_rejected_total{reason="malformed"}')).toBeGreaterThan(0);
  expect(await proxy.metric('proxy_rejected_total{reason="origin"}')).toBe(2);
});
