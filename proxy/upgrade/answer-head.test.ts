import { expect, test } from "vitest";
import { announcedLength, clientHead, readAnswerHead } from "./answer-head.ts";

test("a head is read once it is complete, in pieces too", () => {
  expect(readAnswerHead("HTTP/1.1 101 Switching\r\nA: b\r\n")).toBeUndefined();
  expect(readAnswerHead("HTTP/1.1 101 Switching\r\nA: b\r\n\r\nrest")).toEqual({
    status: 101,
    fields: "A: b\r\n",
    rest: "rest",
  });
  expect(readAnswerHead("HTTP/1.0 204\r\n\r\n")).toEqual({ status: 204, fields: "", rest: "" });
});

test.each([
  ["not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "not HTTP/1.1"],
  ["a status of two digits", "HTTP/1.1 99 Odd\r\n\r\n", "not HTTP/1.1"],
  ["a head without end", `HTTP/1.1 200 OK\r\nA: ${"a".repeat(17_000)}`, "over 16384 bytes"],
])("%s is refused", (_, text, message) => {
  expect(() => readAnswerHead(text)).toThrow(message);
});

test("the client gets end-to-end headers, and nothing that is no header", () => {
  const fields = "Upgrade: websocket\r\nX-A: 1\r\nno header\r\n: nameless\r\nServer: s\r\nX-B: a:b\r\n";
  expect(clientHead({ status: 101, fields, rest: "" }, "Switching Protocols", "Set-Cookie: c=1\r\n")).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\nX-B: a:b\r\nSet-Cookie: c=1\r\n\r\n",
  );
});

test("the announced length is that of Content-Length, or up to the end", () => {
  const lengthOf = (fields: string) => announcedLength({ status: 200, fields, rest: "" });
  expect(lengthOf("A: b\r\ncontent-length:  12 \r\nC: d\r\n")).toBe(12);
  expect(lengthOf("X-Content-Length: 5\r\nContent-Length: odd\r\n")).toBe(Number.POSITIVE_INFINITY);
});

test("what the answer's own Connection names stays on its side", () => {
  const fields = "X-Drop: 1\r\nConnection: Upgrade, x-drop\r\nconnection:\tx-other\r\nX-Other: 2\r\nX-A: 3\r\n";
  expect(clientHead({ status: 101, fields, rest: "" }, "Switching Protocols", "")).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 3\r\n\r\n",
  );
});
