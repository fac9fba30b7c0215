import { expect, test } from "vitest";
import { type HandshakeRequest, shrinkHandshake } from "./handshake-request.ts";

test("of the request of a handshake the trace id, the path and the transport stay", () => {
  const request: HandshakeRequest = {
    headers: { "x-request-id": "t1", cookie: "a=b", "x-long": "x".repeat(9_000) },
    rawHeaders: ["X-Request-Id", "t1", "Cookie", "a=b"],
    url: "/socket.io/?EIO=4&transport=polling&more=1",
    _query: { EIO: "4", transport: "polling", more: "1" },
  };
  shrinkHandshake(request);
  expect(request).toEqual({
    headers: { "x-request-id": "t1" },
    rawHeaders: [],
    url: "/socket.io/",
    _query: { EIO: "4", transport: "polling" },
  });
});

test("a request without a trace id has no headers", () => {
  const request: HandshakeRequest = { headers: { host: "a" }, rawHeaders: ["Host", "a"], url: "/socket.io/" };
  shrinkHandshake(request);
  expect(request.headers).toEqual({});
});
