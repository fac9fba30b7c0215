import { expect, test } from "vitest";
import { answerHeaders, requestHeaders, upgradeHead } from "./headers.ts";

const client = { chain: ["203.0.113.5"], proto: "https", host: "calls.example", traceId: "t1" } as const;

test("what a client claims about forwarding is replaced, hop-by-hop headers go", () => {
  const headers = requestHeaders(
    {
      ...{ host: "calls.example", cookie: "a=b", accept: "*/*", "content-length": "3" },
      ...{ "x-forwarded-for": "1.1.1.1", forwarded: "for=1.1.1.1", "x-real-ip": "1.1.1.1", "x-request-id": "forged" },
      ...{ connection: "close, x-secret, cookie, content-length", "x-secret": "1", te: "trailers", upgrade: "h2c" },
    },
    client,
  );
  expect(headers).toEqual({
    ...{ host: "calls.example", cookie: "a=b", accept: "*/*", "content-length": "3" },
    ...{ "x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https", "x-forwarded-host": "calls.example" },
    ...{ forwarded: 'for=203.0.113.5;proto=https;host="calls.example"', "x-request-id": "t1" },
  });
});

test("Forwarded names the hops in order and quotes IPv6 (RFC 7239)", () => {
  const headers = requestHeaders({}, { ...client, chain: ["2001:db8::7", "10.0.0.1"] });
  expect(headers["forwarded"]).toBe('for="[2001:db8::7]";proto=https;host="calls.example", for=10.0.0.1');
});

test("an upgrade goes out with one Connection and one Upgrade header", () => {
  const raw = ["Host", "h", "connection", "keep-alive, Upgrade, X-Drop", "Upgrade", "WebSocket", "X-Drop", "1"];
  const head = upgradeHead("/ws?x=1", [...raw, "Sec-WebSocket-Key", "k"], "keep-alive, Upgrade, X-Drop", client);
  expect(head.split("\r\n").slice(0, 5)).toEqual([
    ...["GET /ws?x=1 HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Host: h", "Sec-WebSocket-Key: k"],
  ]);
  expect(head.endsWith("\r\n\r\n")).toBe(true);
  expect(head).not.toMatch(/x-drop/i);
});

test("an answer tells nothing about the software behind", () => {
  const raw = ["Server", "nginx", "X-Powered-By", "Express", "Keep-Alive", "timeout=5", "Content-Type", "a/b"];
  expect(answerHeaders([...raw, "Set-Cookie", "a=1", "Set-Cookie", "b=2"])).toEqual([
    ...["Content-Type", "a/b", "Set-Cookie", "a=1", "Set-Cookie", "b=2"],
  ]);
});
