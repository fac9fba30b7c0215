import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyFraming, clientHead, readAnswerHead } from "./answer-head.ts";

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

test("the client gets only valid end-to-end headers", () => {
  const fields = "Upgrade: websocket\r\nX-A: 1\r\nno header\r\n: nameless\r\nServer: s\r\nX-B: a:b\r\n";
  expect(clientHead({ status: 101, fields, rest: "" }, "Switching Protocols", "Set-Cookie: c=1\r\n")).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\nX-B: a:b\r\nSet-Cookie: c=1\r\n\r\n",
  );
});

test.each([
  ["A: b\r\ncontent-length:  12 \r\nC: d\r\n", 200, { chunked: false, length: 12 }],
  ["X-Content-Length: 5\r\nContent-Length: odd\r\n", 200, { chunked: false, length: Number.POSITIVE_INFINITY }],
  ["transfer-encoding: Chunked\r\nContent-Length: 5\r\n", 403, { chunked: true, length: Number.POSITIVE_INFINITY }],
  ["A: b\r\n", 204, { chunked: false, length: 0 }],
])("how the body behind %j (%i) ends", (fields, status, framing) => {
  expect(bodyFraming({ status, fields, rest: "" })).toEqual(framing);
});

test("interim answers are skipped", () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  expect(readAnswerHead(early)).toBeUndefined();
  expect(readAnswerHead(`${early}HTTP/1.1 101 Switching\r\nA: b\r\n\r\n`)).toMatchObject({
    status: 101,
    fields: "A: b\r\n",
  });
});

test("a chunked body has no length header", () => {
  const fields = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n";
  expect(clientHead({ status: 403, fields, rest: "" }, "Forbidden", "")).toBe(
    "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nX-A: 1\r\n\r\n",
  );
});

test("what the answer's own Connection names stays on its side", () => {
  const fields = "X-Drop: 1\r\nConnection: Upgrade, x-drop\r\nconnection:\tx-other\r\nX-Other: 2\r\nX-A: 3\r\n";
  expect(clientHead({ status: 101, fields, rest: "" }, "Switching Protocols", "")).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 3\r\n\r\n",
  );
});

test("what passes does not depend on where Connection and Transfer-Encoding stand", () => {
  const line = fc.constantFrom(
    "X-A: 1",
    "x-b: 2",
    "Content-Length: 5",
    "Upgrade: websocket",
    "Server: s",
    "Set-Cookie: connection: x-a",
    "Connection: Upgrade",
    "connection: X-A, close",
    "Connection: x-b",
    "Transfer-Encoding: chunked",
    "no header",
  );
  const passing = (lines: readonly string[]) =>
    clientHead({ status: 101, fields: lines.map((one) => `${one}\r\n`).join(""), rest: "" }, "S", "")
      .split("\r\n")
      .sort();
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      expect(passing(lines.toReversed())).toEqual(passing(lines));
      const listed = lines.some((one) => /^connection:.*x-a/i.test(one));
      expect(passing(lines).includes("X-A: 1")).toBe(lines.includes("X-A: 1") && !listed);
      const coded = lines.includes("Transfer-Encoding: chunked");
      expect(passing(lines).includes("Content-Length: 5")).toBe(lines.includes("Content-Length: 5") && !coded);
    }),
    { numRuns: 1_000 },
  );
});
