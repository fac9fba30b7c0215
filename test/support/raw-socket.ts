import { connect, type Socket } from "node:net";

/** The answer on a raw connection. */
export interface RawAnswer {
  /** Status of the first answer; 0 without an answer. */
  status: number;
  text: string;
  /** False if it was still open at the deadline. */
  closed: boolean;
}

/** Writes these bytes on a new connection and reads until it is closed, at most `withinMs`. */
export function exchange(port: number, bytes: string | readonly string[], withinMs = 3_000): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text, closed });
    };
    const timer = setTimeout(() => done(false), withinMs);
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => done(true)).on("end", () => done(true));
    for (const part of typeof bytes === "string" ? [bytes] : bytes) socket.write(part, "latin1");
  });
}

/** A WebSocket handshake, on the wire. */
export const upgradeRequest = (path = "/ws", headers: readonly string[] = []) =>
  [
    ...[`GET ${path} HTTP/1.1`, "Host: calls.example", "Connection: Upgrade", "Upgrade: websocket"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", ...headers],
    ...["", ""],
  ].join("\r\n");

/** Opens a tunnel. Resolves with the socket and the head of the 101. Rejects on any other answer. */
export const openTunnel = (port: number, path = "/ws", headers: readonly string[] = []) =>
  openTunnelOn(connect(port, "127.0.0.1"), path, headers);

/** The same on an existing connection, or on one that is being opened. */
export function openTunnelOn(
  socket: Socket,
  path = "/ws",
  headers: readonly string[] = [],
): Promise<{ socket: Socket; head: string }> {
  return new Promise((resolve, reject) => {
    let text = "";
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) return;
      socket.off("data", onData).off("error", fail).off("close", onClose).pause();
      socket.on("error", () => socket.destroy());
      if (text.startsWith("HTTP/1.1 101")) {
        socket.unshift(Buffer.from(text.slice(end + 4), "latin1"));
        resolve({ socket, head: text.slice(0, end) });
      } else fail(new Error(text.split("\r\n", 1)[0]));
    };
    const onClose = () => fail(new Error(`closed before an answer: ${text}`));
    socket.on("data", onData).on("error", fail).on("close", onClose);
    socket.write(upgradeRequest(path, headers));
  });
}
