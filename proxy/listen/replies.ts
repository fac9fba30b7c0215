import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { freeNow } from "../../common/http/free-buffers.ts";
import type { Refusal } from "../screen/screen.ts";
import { nobody, own } from "./owned-socket.ts";

/** An answer of the proxy itself. */
export interface Reply {
  status: number;
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** Engine.IO's answer to an unknown session. The client opens a new one at once. */
export const unknownSession: Reply = { status: 400, body: { code: 1, message: "Session ID unknown" } };

/** The body is larger than MAX_BODY_BYTES. */
export const bodyTooLarge: Reply = { status: 413, body: { error: "the body is too large" } };

/** The client has too many bytes of unfinished requests under way. */
export const tooMuchPending: Reply = {
  status: 503,
  body: { error: "too many unfinished requests from this address: try again" },
  headers: { "retry-after": "1" },
};

/** Longest time that a refused request's body is read and dropped, so that the client can read the answer, ms. */
const lingerMs = 1_000;

/** A refusal as an answer. */
export function replyOf({ status, message, code, headers }: Refusal): Reply {
  const body = code === undefined ? { error: message } : { code, message };
  return { status, body, ...(headers === undefined ? {} : { headers }) };
}

/** Answers an HTTP request; `close` ends its connection. */
export function reply(request: IncomingMessage, response: ServerResponse, answer: Reply, close: boolean): void {
  const text = JSON.stringify(answer.body);
  // A failed `writeHead` can leave the replica's status text on the response.
  response.writeHead(answer.status, STATUS_CODES[answer.status] ?? "", {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(text),
    ...answer.headers,
    ...(close ? { connection: "close" } : {}),
  });
  if (!close || request.complete) {
    response.end(text);
    return;
  }
  response.write(text);
  const timer = setTimeout(() => response.end(), lingerMs);
  response.once("close", () => clearTimeout(timer));
  request.once("end", () => response.end());
  // A client that has too much pending is not read any more: its bytes stay with the system, not here.
  if (answer === tooMuchPending) stopReading(request);
  else request.resume();
}

/** Drops what has been read of a body, and reads no more of it. A paused request would keep 64 KiB of it. */
function stopReading(request: IncomingMessage): void {
  request.pause();
  request.push = (chunk: Buffer | null) => {
    if (chunk !== null) freeNow([chunk]);
    // Node's HTTP server stops reading the socket then.
    return false;
  };
}

/** Answers on a socket that Node's HTTP server has given up, and closes it. */
export function replyOnSocket(socket: Duplex, answer: Reply): void {
  own(socket, nobody);
  if (socket.writable) closeGently(socket, answer);
  else socket.destroy();
}

/**
 * Writes a last answer and ends the connection, then reads and drops what still comes for a moment. Closing with unread
 * bytes sends a reset, and the client would lose the answer.
 */
export function closeGently(socket: Duplex, answer: Reply): void {
  const text = JSON.stringify(answer.body);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    ...["Connection: close", "Content-Type: application/json", `Content-Length: ${Buffer.byteLength(text)}`],
    ...Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ];
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer)).once("end", () => (socket as Socket).destroySoon());
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
  socket.resume();
}
