import type { Socket } from "node:net";
import type { RequestHead } from "./request-head.ts";

/** Largest head that is looked at, bytes. */
const sizeLimit = 4_096;
/** One line a header, nothing folded, no stray control character, nothing behind the head. */
const plainHead = /^GET (\/[!-"$-~]*) HTTP\/1\.1\r\n((?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+)\r\n$/;

/** All deciding headers, so that every head has one shape. */
class Headers {
  host: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  cookie: string | undefined;
  origin: string | undefined;
  "content-length": string | undefined;
  "transfer-encoding": string | undefined;
  "sec-websocket-key": string | undefined;
  "x-forwarded-for": string | undefined;
  "x-forwarded-proto": string | undefined;
  "x-forwarded-host": string | undefined;
}

/**
 * Reads the first bytes of a connection as the head of a WebSocket upgrade, where that is all they are and nothing
 * about it is odd. Undefined: anything else, from a poll to an attack. That is for Node's parser to read or to refuse;
 * this only spares the usual upgrade the machinery of a request with a body (docs/decisions/plain-upgrades.md).
 */
export function readPlainUpgrade(chunk: Buffer, socket: Socket): RequestHead | undefined {
  if (chunk.length > sizeLimit) return undefined;
  const match = plainHead.exec(chunk.toString("latin1"));
  if (match === null) return undefined;
  const rawHeaders: string[] = [];
  const headers = new Headers();
  for (const line of (match[2] as string).split("\r\n")) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const value = withoutOws(line, colon + 1);
    const rawName = line.slice(0, colon);
    rawHeaders.push(rawName, value);
    const name = rawName.toLowerCase();
    if (!(name in headers)) continue;
    // A second one is joined or refused: not here.
    if (headers[name as keyof Headers] !== undefined) return undefined;
    headers[name as keyof Headers] = value;
  }
  const plain =
    headers.host !== undefined &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    /(?:^|,)[\t ]*upgrade[\t ]*(?:,|$)/i.test(headers.connection ?? "") &&
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined;
  if (!plain) return undefined;
  return { method: "GET", url: match[1], httpVersion: "1.1", httpVersionMajor: 1, rawHeaders, headers, socket };
}

/** From `start` on, without spaces and tabs around it (RFC 9110, 5.6.3; `trim` would take more). */
function withoutOws(line: string, start: number): string {
  let end = line.length;
  const isOws = (at: number) => line[at] === " " || line[at] === "\t";
  while (start < end && isOws(start)) start += 1;
  while (end > start && isOws(end - 1)) end -= 1;
  return line.slice(start, end);
}
