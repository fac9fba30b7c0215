import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readPlainUpgrade } from "./plain-upgrade.ts";

const usual = [
  "Host: call.example",
  "Connection: keep-alive, Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const headOf = (lines: readonly string[], target = "/ws?room=a") =>
  `GET ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const read = (head: string) => readPlainUpgrade(Buffer.from(head, "latin1"), {} as Socket);

/** The result of Node's own parser for the same bytes: an upgrade, or undefined. */
async function readByNode(head: string): Promise<IncomingMessage | undefined> {
  const server = createServer();
  const [client, ours] = duplexPair();
  const outcome = new Promise<IncomingMessage | undefined>((resolve) => {
    server.on("upgrade", resolve).on("request", () => resolve(undefined));
    server.on("clientError", () => resolve(undefined));
  });
  server.emit("connection", ours);
  client.end(Buffer.from(head, "latin1"));
  const request = await outcome;
  ours.destroy();
  client.destroy();
  await once(client, "close");
  return request;
}

test("a browser's upgrade is plain", () => {
  const head = read(headOf([...usual, "Cookie: htl=abc; a=b", "Origin:  https://call.example\t", "X-Odd: \u00a0é"]));
  expect(head).toMatchObject({ method: "GET", url: "/ws?room=a", httpVersion: "1.1" });
  expect(head?.headers).toMatchObject({ cookie: "htl=abc; a=b", origin: "https://call.example", host: "call.example" });
  expect(head?.rawHeaders.slice(-2)).toEqual(["X-Odd", "\u00a0é"]);
});

test.each([
  ["no upgrade", ["Host: a"]],
  ["another protocol", usual.with(2, "Upgrade: h2c")],
  ["an upgrade that Connection does not name", usual.with(1, "Connection: keep-alive")],
  ["no host", usual.slice(1)],
  ["two hosts", [...usual, "host: b"]],
  ["two cookies", [...usual, "Cookie: a=1", "cookie: b=2"]],
  ["a length", [...usual, "Content-Length: 0"]],
  ["a chunked body", [...usual, "Transfer-Encoding: chunked"]],
  ["a folded header", [...usual, "X-A: 1", " 2"]],
  ["a space before the colon", [...usual, "Origin : x"]],
  ["a header without a name", [...usual, ": x"]],
  ["a control character", [...usual, "X-A: \u0001"]],
  ["a bare line feed", [...usual, "X-A: 1\nX-B: 2"]],
  ["a huge head", [...usual, `X-A: ${"a".repeat(5_000)}`]],
])("%s is not plain", (_, lines) => {
  expect(read(headOf(lines))).toBeUndefined();
});

test.each([
  ["another method", headOf(usual).replace("GET", "POST")],
  ["another version", headOf(usual).replace("1.1", "1.0")],
  ["the absolute form", headOf(usual, "http://call.example/ws")],
  ["a fragment", headOf(usual, "/ws#a")],
  ["a space in the target", headOf(usual, "/w s")],
  ["part of a head", headOf(usual).slice(0, -2)],
  ["more than a head", `${headOf(usual)}x`],
])("%s is not plain", (_, head) => {
  expect(read(head)).toBeUndefined();
});

test("Node's parser reads every plain head in the same way", async () => {
  const names = [
    "Host",
    "cookie",
    "Upgrade",
    "Connection",
    "X-A",
    "Content-Length",
    "x-forwarded-for",
    "Te",
    "X~!",
    "",
  ];
  const value = fc.string({
    unit: fc.constantFrom("a", "Z", "9", " ", "\t", ",", ";", "=", "\u00a0", "ÿ", "\u0000", "\u007f", "\r", "\n", ":"),
    maxLength: 8,
  });
  const line = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(":", ": ", " :", ":\t", ""), value)
    .map((parts) => parts.join(""));
  const target = fc.string({ unit: fc.constantFrom(...'/a?%&=#[]{}|\\"<>^`~ é'.split("")), maxLength: 6 });
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 3 }),
      target,
      fc.boolean(),
      fc.nat(usual.length),
      async (lines, path, first, dropped) => {
        const kept = usual.filter((_, index) => index !== dropped);
        const text = headOf(first ? [...lines, ...kept] : [...kept, ...lines], `/${path}`);
        const ours = read(text);
        if (ours === undefined) return;
        plain += 1;
        const nodes = await readByNode(text);
        expect(nodes?.rawHeaders).toEqual(ours.rawHeaders);
        expect([nodes?.method, nodes?.url, nodes?.httpVersion]).toEqual([ours.method, ours.url, ours.httpVersion]);
        for (const [name, given] of Object.entries(ours.headers)) expect(nodes?.headers[name]).toEqual(given);
      },
    ),
    { numRuns: 3_000 },
  );
  expect(plain).toBeGreaterThan(100);
});
