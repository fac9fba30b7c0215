import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionScope } from "../reconnector.ts";
import type { RedisTarget } from "./redis-target.ts";

/** Maximum number of bytes that Redis has not read. Above it nothing more is sent. */
const maxWaitingBytes = 16_777_216;
const crlf = Buffer.from("\r\n");

/**
 * A connection that publishes and asks for no answers (`CLIENT REPLY OFF`). An answer to each signal would wake up the
 * sender and cost Redis a write. It is not needed, because the canary uses this connection too and shows whether it
 * works.
 *
 * Speaks RESP2 (redis.io/docs/latest/develop/reference/protocol-spec). If the user may not turn answers off, they are
 * read and dropped.
 */
export async function openPublisher(target: RedisTarget, scope: ConnectionScope) {
  const url = new URL(target.urls[0] ?? "");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 6379);
  const socket: Socket =
    url.protocol === "rediss:" ? connectTls({ host, port, servername: host }) : connect({ host, port });
  socket.setNoDelay(true);
  const lose = (reason: string) => scope.abort(new Error(`publisher: ${reason}`));
  socket.on("error", (error) => lose(error.message));
  socket.on("close", () => lose("connection closed"));
  scope.signal.addEventListener("abort", () => socket.destroy(), { once: true });

  const { username, password } = target.credentials;
  const steps: string[][] = [["PING"], ["CLIENT", "REPLY", "OFF"]];
  if (password !== undefined) steps.unshift(username === undefined ? ["AUTH", password] : ["AUTH", username, password]);
  await new Promise<void>((resolve, reject) => {
    let heard = "";
    socket.on("data", (data: Buffer) => {
      // After the handshake there are answers only if they could not be turned off.
      if (heard.includes("+PONG\r\n")) return;
      heard += data.toString("latin1");
      const refusal = /^-(.*)\r\n/m.exec(heard)?.[1];
      if (heard.includes("+PONG\r\n")) resolve();
      else if (refusal !== undefined) reject(new Error(`publisher: ${refusal}`));
    });
    scope.signal.addEventListener("abort", () => reject(scope.signal.reason), { once: true });
    socket.write(steps.map(encodeCommand).join(""));
  });

  let corked = false;
  return {
    /**
     * Writes it to the socket, together with all messages of the same turn. @throws Error if too many bytes are waiting
     */
    publish(kind: "channel" | "pattern" | "shard", channel: string, message: Buffer): void {
      if (socket.writableLength > maxWaitingBytes) throw new Error("Redis does not take what is published");
      if (!corked) {
        corked = true;
        socket.cork();
        setImmediate(() => {
          corked = false;
          socket.uncork();
        });
      }
      const command = kind === "shard" ? "$8\r\nSPUBLISH" : "$7\r\nPUBLISH";
      const head = `*3\r\n${command}\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$${message.length}\r\n`;
      const headBytes = Buffer.byteLength(head);
      const whole = Buffer.allocUnsafe(headBytes + message.length + crlf.length);
      whole.write(head);
      message.copy(whole, headBytes);
      crlf.copy(whole, headBytes + message.length);
      socket.write(whole);
    },
  };
}

const encodeCommand = (args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join("")}`;
