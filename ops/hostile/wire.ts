import { type EventEmitter, once } from "node:events";
import { request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { RAW_WS_PATH, RAW_WS_SUBPROTOCOL } from "../../common/protocol-names.ts";
import type { Attacker } from "./attacker.ts";

/**
 * Writes bytes unchanged, and waits while the target does not read. Returns false if the connection is closed or the
 * time is over.
 */
export async function write(socket: Socket, bytes: string | Buffer, signal: AbortSignal): Promise<boolean> {
  if (socket.destroyed || !socket.writable || signal.aborted) return false;
  const flowing = typeof bytes === "string" ? socket.write(bytes, "latin1") : socket.write(bytes);
  if (flowing) return true;
  await first(socket, ["drain", "close"], signal);
  return !socket.destroyed && !signal.aborted;
}

/** Resolves at the first of these events, or when the attack's time is over. Removes its listeners. */
export function first(emitter: EventEmitter, events: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) emitter.off(event, done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) return resolve();
    for (const event of events) emitter.once(event, done);
    signal.addEventListener("abort", done);
  });
}

/** Sends a message and waits until it is written, the connection is closed or the attack's time is over. */
export function pass(socket: WebSocket, message: string | Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    // Yields to timers and other sockets. Else a sender whose writes never wait would not notice the end of its time.
    socket.send(message, () => setImmediate(done));
  });
}

/** Resolves when the attack's time is over. */
export function over(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Runs `each` for 0 … count-1, at most that many at a time. Stops when the attack's time is over. */
export async function inParallel(
  { signal }: Attacker,
  count: number,
  atOnce: number,
  each: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count && !signal.aborted) {
        const index = next;
        next += 1;
        await each(index);
      }
    }),
  );
}

/** One HTTP request on the attacker's kept-alive connections; status 0: no answer. */
export function ask(
  { target, agent, signal }: Attacker,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const { method = "GET", headers = {}, body } = options;
    const nothing = () => resolve({ status: 0, text: "" });
    const asked = httpRequest(
      { host: target.host, port: target.port, path, method, headers, agent, signal },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text })).on("error", nothing);
      },
    );
    asked.on("error", nothing);
    asked.end(body);
  });
}

/** Reads a connection until it is closed, and counts its answers by status (`status 2xx`; 502 by itself). */
export function countAnswers(attacker: Attacker, socket: Socket): void {
  let rest = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    const text = rest + chunk;
    for (const [, status = ""] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) countStatus(attacker, Number(status));
    // Keeps one character less than a match, so that a status line split over two reads counts once.
    rest = text.slice(-11);
  });
}

/** Counts an answer by its status. Status 0 means no answer and counts as `unanswered`. */
export function countStatus(attacker: Attacker, status: number): void {
  attacker.count(status === 0 ? "unanswered" : `status ${Math.floor(status / 100)}xx`);
  if (status === 502) attacker.count("status 502");
}

/** Opens a WebSocket with a client library. Rejects if it is refused or the attack's time is over. */
export async function openWebSocket(
  attacker: Attacker,
  path: string,
  { protocols = [], cookie }: { protocols?: string[]; cookie?: string } = {},
): Promise<WebSocket> {
  const { host, port, from } = attacker.target;
  const socket = new WebSocket(`ws://${host}:${port}${path}`, protocols, {
    ...(from === undefined ? {} : { localAddress: from }),
    headers: cookie === undefined ? {} : { cookie: `sticky=${cookie}` },
  });
  attacker.keep(socket);
  await once(socket, "open", { signal: attacker.signal });
  return socket;
}

/** Opens a WebSocket on `/ws` and, if `room` is given, joins it. */
export async function openRaw(
  attacker: Attacker,
  { room, cookie }: { room?: string; cookie?: string } = {},
): Promise<WebSocket> {
  const socket = await openWebSocket(attacker, RAW_WS_PATH, {
    protocols: [RAW_WS_SUBPROTOCOL],
    ...(cookie === undefined ? {} : { cookie }),
  });
  if (room === undefined) return socket;
  socket.send(JSON.stringify({ event: "join", data: { roomId: room }, id: 0 }));
  await heard(attacker, socket, '{"id":0,"ack":{"ok":true');
  return socket;
}

/** Resolves with the first message with this prefix. Rejects if the socket closes first. */
export function heard({ signal }: Attacker, socket: WebSocket, begin: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const onMessage = (data: unknown) => {
      const text = String(data);
      if (!text.startsWith(begin)) return;
      done();
      resolve(text);
    };
    const fail = () => {
      done();
      reject(new Error(`no ${begin} came`));
    };
    const done = () => {
      socket.off("message", onMessage).off("close", fail);
      signal.removeEventListener("abort", fail);
    };
    socket.on("message", onMessage).on("close", fail);
    signal.addEventListener("abort", fail);
  });
}

/** Opens a plain WebSocket connection for frames that no library writes. Resolves after the 101. */
export async function openTunnel(attacker: Attacker, path: string, headers: readonly string[] = []): Promise<Socket> {
  const socket = await attacker.connect();
  socket.write(upgradeHead(path, headers));
  for (let text = ""; !text.includes("\r\n\r\n"); ) {
    const [chunk] = (await once(socket, "data", { signal: attacker.signal })) as [Buffer];
    text += chunk.toString("latin1");
    if (!text.startsWith("HTTP/1.1 101")) throw new Error(`refused: ${text.split("\r\n", 1)[0]}`);
  }
  return socket;
}

/** A WebSocket handshake (RFC 6455, 4.1). */
export const upgradeHead = (path: string, headers: readonly string[] = []): string =>
  `GET ${path} HTTP/1.1\r\nHost: calls.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${[...headers, ""].join("\r\n")}\r\n`;

/** Opcodes of RFC 6455, 5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9 } as const;

/**
 * A client's frame (RFC 6455, 5.2), masked with zeros, which do not change the payload.
 *
 * @param announced length in the head if it differs from the payload's
 */
export function frame(
  opcode: number,
  payload: string | Buffer,
  { fin = true, announced }: { fin?: boolean; announced?: number } = {},
): Buffer {
  const body = typeof payload === "string" ? Buffer.from(payload) : payload;
  const length = announced ?? body.length;
  const first = (fin ? 0x80 : 0) | opcode;
  let head: Buffer;
  if (length < 126) head = Buffer.from([first, 0x80 | length]);
  else if (length < 65_536) {
    head = Buffer.from([first, 0x80 | 126, 0, 0]);
    head.writeUInt16BE(length, 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, Buffer.alloc(4), body]);
}
