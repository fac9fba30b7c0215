import { expect, test } from "vitest";
import { readConnection } from "./connection-header.ts";
import { answerHeaders, requestHeaders, upgradeHead } from "./headers.ts";

const client = { chain: ["203.0.113.5"], proto: "https", host: "calls.example", traceId: "t1" } as const;

const forwarding = [
  ...["X-Forwarded-For", "203.0.113.5", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "calls.example"],
  ...["Forwarded", 'for=203.0.113.5;proto=https;host="calls.example"', "X-Request-Id", "t1"],
];

test("a client's forwarding headers are replaced, and hop-by-hop headers removed", () => {
  const connection = "close, x-secret, cookie, content-length";
  const kept = ["Host", "calls.example", "Cookie", "a=b", "accept", "*/*", "Accept", "a/b", "content-length", "3"];
  const headers = requestHeaders(
    [
      ...[...kept, "x-forwarded-for", "1.1.1.1", "Forwarded", "for=1.1.1.1", "x-real-ip", "1.1.1.1"],
      ...["x-request-id", "forged", "Connection", connection, "X-Secret", "1", "TE", "trailers", "upgrade", "h2c"],
    ],
    readConnection(connection).listed,
    client,
  );
  expect(headers).toEqual([...kept, ...forwarding]);
});

test("a replica always gets a host, even if the client sent none", () => {
  expect(requestHeaders([], undefined, { ...client, host: "" }).slice(0, 2)).toEqual(["Host", ""]);
});

test("Forwarded names the hops in order and quotes IPv6 (RFC 7239)", () => {
  const headers = requestHeaders([], undefined, { ...client, chain: ["2001:db8::7", "10.0.0.1"] });
  expect(headers).toContain('for="[2001:db8::7]";proto=https;host="calls.example", for=10.0.0.1');
});

test("an upgrade goes out with one Connection and one Upgrade header", () => {
  const raw = ["Host", "h", "connection", "keep-alive, Upgrade, X-Drop", "Upgrade", "WebSocket", "X-Drop", "1"];
  const { listed } = readConnection("keep-alive, Upgrade, X-Drop");
  const headers = requestHeaders([...raw, "Sec-WebSocket-Key", "k"], listed, client);
  const head = upgradeHead("/ws?x=1", headers);
  expect(head.split("\r\n").slice(0, 5)).toEqual([
    ...["GET /ws?x=1 HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Host: h", "Sec-WebSocket-Key: k"],
  ]);
  expect(head.endsWith("\r\n\r\n")).toBe(true);
  expect(head).not.toMatch(/x-drop/i);
});

test("an answer does not reveal the replica's software", () => {
  const raw = ["Server", "nginx", "X-Powered-By", "Express", "Keep-Alive", "timeout=5", "Content-Type", "a/b"];
  expect(answerHeaders([...raw, "Set-Cookie", "a=1", "Set-Cookie", "b=2"])).toEqual([
    ...["Content-Type", "a/b", "Set-Cookie", "a=1", "Set-Cookie", "b=2"],
  ]);
});

test.each([
  [["Connection", "X-Drop", "X-Drop", "1", "x-drop", "2", "X-Keep", "3"]],
  [["X-Drop", "1", "X-Keep", "3", "connection", "keep-alive, \tx-DROP\t , close"]],
  [["Connection", "keep-alive", "X-Drop", "1", "Connection", "X-Drop", "X-Keep", "3", "CONNECTION", "X-Other"]],
])("what an answer's own Connection names stays on its side: %j", (raw) => {
  expect(answerHeaders(raw)).toEqual(["X-Keep", "3"]);
});

test("an answer cannot remove its own length", () => {
  const raw = ["Connection", "content-length, X-Drop", "Content-Length", "3", "X-Drop", "1"];
  expect(answerHeaders(raw)).toEqual(["Content-Length", "3"]);
});
