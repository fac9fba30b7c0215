import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { JoinAck, RelayAck } from "../../common/protocol.ts";
import { until } from "./poll.ts";

/** A peer of a test, with the same interface on both gateways. */
export interface SignalPeer {
  /** All events, in order, as `[name, data, receivedAt]`; received at epoch ms. */
  events: [event: string, data: Record<string, unknown>, receivedAt: number][];
  join(room: unknown, options?: unknown): Promise<JoinAck>;
  send(event: string, signal: unknown): Promise<RelayAck>;
  got(event: string): Record<string, unknown>[];
  connected(): boolean;
  close(): void;
}
export interface SocketIoPeer extends SignalPeer {
  socket: Socket;
}

/** A connected peer on the Socket.IO gateway. */
export async function connectSocketIo(
  url: string,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<SocketIoPeer> {
  const socket = io(`${url}/signaling`, { transports: ["websocket"], forceNew: true, ...options });
  const events: SignalPeer["events"] = [];
  socket.onAny((event, data) => {
    // Contains an offset, which only the client's library uses.
    if (event !== "recovery") events.push([event, data, Date.now()]);
  });
  await until(`connected to ${url}`, () => socket.connected);
  return {
    socket,
    events,
    join: (room, joinOptions = {}) => socket.emitWithAck("join", room, joinOptions),
    send: (event, signal) => socket.emitWithAck(event, signal),
    got: (event) => events.filter(([name]) => name === event).map(([, data]) => data),
    connected: () => socket.connected,
    close: () => void socket.disconnect(),
  };
}

/** Joins. Throws the ack's refusal. */
export async function joinRoom<P extends SignalPeer>(peer: P, room: string, options: unknown = {}) {
  const ack = await peer.join(room, options);
  if (!ack.ok) throw new Error(`join refused: ${ack.error.code}: ${ack.error.message}`);
  const { peerId, peers, resume, settled = true } = ack;
  return Object.assign(peer, { peerId, peers, resume, settled });
}

export type JoinedPeer<P extends SignalPeer = SignalPeer> = Awaited<ReturnType<typeof joinRoom<P>>>;

/**
 * A peer on Socket.IO's long-polling, in a room, without the client library. It polls by `pollUntil` alone, until it
 * got that text.
 */
export async function joinByPolling(url: string, room: string) {
  const base = `${url}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(base)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const poll = async () => (await fetch(`${base}&sid=${sid}`)).text();
  async function pollUntil(text: string): Promise<string> {
    let heard = "";
    while (!heard.includes(text)) heard += await poll();
    return heard;
  }
  const post = (body: string) => fetch(`${base}&sid=${sid}`, { method: "POST", body });
  await post("40/signaling,");
  await pollUntil("40/signaling,");
  await post(`42/signaling,0["join","${room}"]`);
  const heard = await pollUntil('"ok":true');
  return { pollUntil, resume: /"resume":"([^"]+)"/.exec(heard)?.[1] ?? "" };
}
