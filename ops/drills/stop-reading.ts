import { randomBytes } from "node:crypto";
import { once } from "node:events";
import WebSocket from "ws";
import { RAW_WS_PATH, RAW_WS_SUBPROTOCOL } from "../../common/protocol-names.ts";
import { pause } from "../wait/pause.ts";

const filler = "x".repeat(60_000);
/** Pause between two messages of 60 kB, ms: 6 MB a second. */
const everyMs = 10;
const withinMs = 15_000;

/**
 * Two peers on `/ws` of one replica, in a room of their own: one stops reading its socket, the other sends to it until
 * it hears that the first is away, for at most 15 s.
 *
 * @param proxy base URL of the proxy
 * @returns the sent bytes, and the time after which the reader was away, ms (undefined if it never was)
 * @throws Error when a peer cannot join
 */
export async function stopReading(
  proxy: string,
  signal: AbortSignal,
): Promise<{ sentBytes: number; awayMs: number | undefined }> {
  const roomId = `slow-client-${randomBytes(6).toString("hex")}`;
  // Both peers use one cookie and so one replica. The flood does not reach the backplane.
  const headers = { cookie: `sticky=${randomBytes(12).toString("hex")}` };
  const url = `${proxy.replace(/^http/, "ws")}${RAW_WS_PATH}`;
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(url, RAW_WS_SUBPROTOCOL, { headers });
    await once(socket, "open", { signal });
    // The replica closes it by force; the error that follows is expected.
    socket.on("error", () => socket.terminate());
    socket.send(JSON.stringify({ event: "join", data: { roomId }, id: 1 }));
    const [data] = await once(socket, "message", { signal });
    const { ack } = JSON.parse(String(data)) as { ack?: { ok: boolean; error?: { message: string } } };
    if (ack?.ok !== true) throw new Error(`a peer cannot join: ${ack?.error?.message ?? data}`);
    return socket;
  };
  const reader = await open();
  try {
    const sender = await open();
    try {
      let awayMs: number | undefined;
      let sentBytes = 0;
      reader.pause();
      const begunAt = performance.now();
      sender.on("message", (data) => {
        if ((JSON.parse(String(data)) as { event?: string }).event === "peer-away")
          awayMs ??= performance.now() - begunAt;
      });
      const message = JSON.stringify({ event: "candidate", data: { roomId, filler } });
      while (awayMs === undefined && performance.now() - begunAt < withinMs && !signal.aborted) {
        sender.send(message);
        sentBytes += message.length;
        await pause(everyMs, signal);
      }
      return { sentBytes, awayMs };
    } finally {
      sender.terminate();
    }
  } finally {
    reader.terminate();
  }
}
