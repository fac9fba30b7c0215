import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { readConnection } from "../screen/connection-header.ts";
import type { DecidingHeaders, RequestHead } from "../screen/request-head.ts";
import { withLoopbackPair } from "./loopback-pair.ts";

/** Largest head that is looked at, bytes. */
const sizeLimit = 4_096;
/** One line a header, nothing folded, no stray control character, nothing behind the head. */
const plainHead = /^GET \/[!-"$-~]* HTTP\/1\.1\r\n(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/;

/** Headers that decide about a request, by their names in lower case. */
const deciding: ReadonlySet<string> = new Set<keyof DecidingHeaders>([
  ...(["host", "connection", "upgrade", "cookie", "origin", "sec-websocket-key"] as const),
  ...(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"] as const),
  ...(["content-length", "transfer-encoding"] as const),
]);

export type ReadPlainUpgrade = (chunk: Buffer, socket: Socket) => RequestHead | undefined;

/**
 * Reads the first bytes of a connection as the head of a WebSocket upgrade. Returns undefined for anything else, from a
 * poll to an attack: Node's parser reads or refuses that (docs/decisions/plain-upgrades.md).
 */
export function readPlainUpgrade(chunk: Buffer, socket: Socket): RequestHead | undefined {
  if (chunk.length > sizeLimit) return undefined;
  const text = chunk.toString("latin1");
  if (!plainHead.test(text)) return undefined;
  const firstEnd = text.indexOf("\r\n");
  const rawHeaders: string[] = [];
  const headers: Record<string, string | undefined> & DecidingHeaders = {
    host: undefined,
    connection: undefined,
    upgrade: undefined,
    cookie: undefined,
    origin: undefined,
    "sec-websocket-key": undefined,
    "x-forwarded-for": undefined,
    "x-forwarded-proto": undefined,
    "x-forwarded-host": undefined,
    forwarded: undefined,
  };
  for (let at = firstEnd + 2; at < text.length - 2; ) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\r\n", colon);
    const rawName = text.slice(at, colon);
    const value = withoutOws(text, colon + 1, end);
    rawHeaders.push(rawName, value);
    at = end + 2;
    const name = rawName.toLowerCase();
    if (!deciding.has(name)) continue;
    // A second one is joined or refused, and a body is read: not here.
    if (headers[name] !== undefined || name === "content-length" || name === "transfer-encoding") return undefined;
    headers[name] = value;
  }
  if (headers.host === undefined || headers.upgrade?.toLowerCase() !== "websocket") return undefined;
  if (!readConnection(headers.connection).upgrade) return undefined;
  const url = text.slice(4, firstEnd - " HTTP/1.1".length);
  return { method: "GET", url, httpVersion: "1.1", httpVersionMajor: 1, rawHeaders, headers, socket };
}

/** The text from `start` to `end`, without spaces and tabs around it (RFC 9110, 5.6.3; `trim` would take more). */
function withoutOws(text: string, start: number, end: number): string {
  let [from, to] = [start, end];
  while (from < to && isOws(text.charCodeAt(from))) from += 1;
  while (to > from && isOws(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}
function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Checks {@link readPlainUpgrade} against Node's own parser: both read the same head, off a loopback connection.
 *
 * @throws Error that says what went wrong
 */
export function checkPlainUpgrade(): Promise<void> {
  const lines = [
    "Host: check",
    "Connection: keep-alive, Upgrade",
    "UPGRADE: websocket",
    "X-Odd: \u00e9",
    "Cookie: a=1",
  ];
  const head = `GET /ws?room=a HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  return withLoopbackPair(async ({ accepted, peer, signal }) => {
    const first = once(accepted, "data", { signal });
    peer.write(head, "latin1");
    const [chunk] = (await first) as [Buffer];
    const ours = readPlainUpgrade(chunk, accepted);
    accepted.pause();
    const server = createServer();
    const upgrade = once(server, "upgrade", { signal });
    server.emit("connection", accepted);
    accepted.unshift(chunk);
    accepted.resume();
    const [nodes] = (await upgrade) as [IncomingMessage];
    if (ours === undefined) throw new Error("a plain upgrade is not recognized");
    const same =
      ours.url === nodes.url &&
      ours.method === nodes.method &&
      ours.rawHeaders.join("\0") === nodes.rawHeaders.join("\0") &&
      Object.entries(ours.headers).every(([name, value]) => nodes.headers[name] === value);
    if (!same) throw new Error("Node's parser reads the same head differently");
  });
}
