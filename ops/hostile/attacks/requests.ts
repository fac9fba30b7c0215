import { randomBytes } from "node:crypto";
import type { Attack } from "../attacker.ts";
import { countAnswers, first, inParallel, write } from "../wire.ts";

const get = (target: string, more = "") => `GET ${target} HTTP/1.1\r\nHost: calls.example\r\n${more}\r\n`;

/** Sends each of these byte sequences on connections of its own. No input may count as a failure of a replica. */
const each = (name: string, requests: readonly string[], bounds: Attack["bounds"] = []): Attack => ({
  name,
  guard: "requests",
  forMs: 2_000,
  bounds: [{ figure: "status 502", max: () => 0 }, ...bounds],
  async run(attacker) {
    await inParallel(attacker, requests.length * 20, 10, async (index) => {
      const socket = await attacker.connect();
      countAnswers(attacker, socket);
      await write(socket, requests[index % requests.length] as string, attacker.signal);
      attacker.count("sent");
      await first(socket, ["data", "close"], attacker.signal);
      socket.destroy();
    });
  },
});

const chunked = "Transfer-Encoding: chunked\r\n";
const poll = "/socket.io/?EIO=4&transport=polling";

/** Requests in forms that no client library sends. */
export const requests: readonly Attack[] = [
  each(
    "asks for files whose names no file can have",
    [
      ...["/assets/%zz", `/assets/${"x".repeat(300)}`, "/assets/%", "/assets/%c0%ae%c0%ae/x", "/assets/%ff%fe.js"],
      ...[
        "/assets/\xc3\xa9.js",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/a%00b",
        "/assets/con",
        "/assets//",
        "/assets/%u0041",
      ],
      `/assets/${"a/".repeat(2_000)}`,
    ].map((target) => get(target)),
    [{ figure: "status 5xx", max: () => 0 }],
  ),
  each("uses methods and target forms that no server accepts", [
    ...[
      "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n",
      "CONNECT redis:6379 HTTP/1.1\r\nHost: h\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ...[
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
      get("http://127.0.0.1:9100/replicas"),
      get("//evil.example/"),
      get("/replicas"),
    ],
    ...[
      "PURGE / HTTP/1.1\r\nHost: h\r\n\r\n",
      "get / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/0.9\r\n\r\n",
      "GET /\r\n\r\n",
      get("/#x"),
    ],
    ...[
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      get("/", "Host: \r\n"),
      "\r\n".repeat(500),
    ],
  ]),
  each("smuggles a second request in a body", [
    `POST ${poll} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n${chunked}\r\n0\r\n\r\nGET /replicas HTTP/1.1\r\nHost: h\r\n\r\n`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    `DELETE ${poll} HTTP/1.1\r\nHost: h\r\n${chunked}\r\n5\r\nhello\r\n0\r\n\r\n`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\n${chunked}\r\n3;${"x".repeat(30_000)}\r\nabc\r\n0\r\n\r\n`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\n${chunked}\r\nffffffffffffffff\r\nabc`,
    `POST ${poll} HTTP/1.1\r\nHost: h\r\n${chunked}\r\n0\r\n${"x: y\r\n".repeat(2_000)}\r\n`,
  ]),
  each("speaks TLS, HTTP/2 and noise on the plain port", [
    `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${randomBytes(500).toString("latin1")}`,
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${randomBytes(200).toString("latin1")}`,
    randomBytes(2_000).toString("latin1"),
    "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "\x00".repeat(5_000),
    "EHLO evil.example\r\n",
    "*1\r\n$4\r\nPING\r\n",
  ]),
  each("sends heads over every limit", [
    get("/", `Cookie: ${"x".repeat(60_000)}\r\n`),
    get(`/socket.io/?${"x".repeat(60_000)}`),
    get("/", "a: b\r\n".repeat(10_000)),
    get("/", `${"n".repeat(20_000)}: b\r\n`),
    get("/", "Sec-WebSocket-Key: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"),
    get(
      "/ws",
      `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"A".repeat(10_000)}\r\n`,
    ),
    get("/", "Expect: 200-maybe\r\n"),
    get("/", "Range: bytes=0-,0-,0-,0-\r\nIf-None-Match: *\r\n"),
  ]),
];
