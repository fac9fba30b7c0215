import type { WebSocket } from "ws";
import { SOCKET_IO_PATH } from "../../common/protocol-names.ts";
import type { Attacker } from "./attacker.ts";
import { ask, heard, openWebSocket } from "./wire.ts";

/** Path and query of an Engine.IO request. */
export const enginePath = (transport: "polling" | "websocket", more = ""): string =>
  `${SOCKET_IO_PATH}?EIO=4&transport=${transport}${more}`;

/** Separator of the packets in a polling body (Engine.IO protocol 4). */
export const packetSeparator = "\x1e";

/** Opens an Engine.IO session on a WebSocket, without a namespace. Answers pings. */
export async function openEngine(attacker: Attacker, cookie?: string): Promise<WebSocket> {
  const socket = await openWebSocket(attacker, enginePath("websocket"), cookie === undefined ? {} : { cookie });
  socket.on("message", (data) => {
    if (String(data) === "2") socket.send("3");
  });
  return socket;
}

/** The same, connected to `/signaling` and, if `room` is given, joined to it. */
export async function openSignaling(
  attacker: Attacker,
  { room, cookie }: { room?: string; cookie?: string } = {},
): Promise<WebSocket> {
  const socket = await openEngine(attacker, cookie);
  socket.send("40/signaling,");
  await heard(attacker, socket, "40/signaling,{");
  if (room === undefined) return socket;
  socket.send(`42/signaling,0${JSON.stringify(["join", room, {}])}`);
  await heard(attacker, socket, '43/signaling,0[{"ok":true');
  return socket;
}

/** Counts the socket's acks as `accepted` or `refused`. */
export function countAcks(attacker: Attacker, socket: WebSocket): void {
  socket.on("message", (data) => {
    const text = String(data);
    if (!text.startsWith("43/signaling,") && !text.startsWith('{"id":')) return;
    attacker.count("answered");
    attacker.count(text.includes('{"ok":true') ? "accepted" : "refused");
  });
}

/** A polling session without a client library. */
export interface PollingSession {
  sid: string;
  path: string;
  post(body: string): Promise<{ status: number; text: string }>;
  poll(): Promise<{ status: number; text: string }>;
}

/** Opens a polling session without a namespace. Throws if it is refused. */
export async function openPolling(attacker: Attacker, cookie?: string): Promise<PollingSession> {
  const headers: Record<string, string> = cookie === undefined ? {} : { cookie: `sticky=${cookie}` };
  const { status, text } = await ask(attacker, enginePath("polling"), { headers });
  if (status !== 200) throw new Error(`no session: ${status} ${text}`);
  const { sid } = JSON.parse(text.slice(1)) as { sid: string };
  const path = enginePath("polling", `&sid=${sid}`);
  return {
    sid,
    path,
    post: (body) => ask(attacker, path, { method: "POST", body, headers: { "content-type": "text/plain" } }),
    poll: () => ask(attacker, path),
  };
}

/** The same, joined to a room of `/signaling`. */
export async function openPollingPeer(attacker: Attacker, room: string, cookie?: string): Promise<PollingSession> {
  const session = await openPolling(attacker, cookie);
  await session.post("40/signaling,");
  await session.poll();
  await session.post(`42/signaling,0${JSON.stringify(["join", room, {}])}`);
  await session.poll();
  return session;
}
