import type { Agent } from "node:http";
import { WebSocket } from "ws";
import { RAW_WS_PATH, RAW_WS_SUBPROTOCOL } from "../../common/protocol-names.ts";
import { until } from "./poll.ts";
import type { SignalPeer } from "./signal-peer.ts";

export interface RawPeer extends SignalPeer {
  socket: WebSocket;
  /** Sends a frame unchanged. */
  raw(frame: string | Buffer): void;
  /** The close code, once it is closed. */
  closed(): number | undefined;
}

/** A connected peer on the raw WebSocket gateway, without the client library, which has tests of its own. */
export async function connectRaw(
  url: string,
  {
    protocols = [RAW_WS_SUBPROTOCOL],
    headers = {},
    agent,
  }: { protocols?: string[]; headers?: Record<string, string>; agent?: Agent } = {},
): Promise<RawPeer> {
  const socket = new WebSocket(`${url.replace("http", "ws")}${RAW_WS_PATH}`, protocols, {
    headers,
    ...(agent === undefined ? {} : { agent }),
  });
  const events: SignalPeer["events"] = [];
  const acks = new Map<number, (ack: never) => void>();
  let nextId = 0;
  let code: number | undefined;
  let failure: Error | undefined;
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", (given) => {
    code = given;
  });
  socket.on("message", (data) => {
    const frame = JSON.parse(data.toString());
    if (frame.id === undefined) events.push([frame.event, frame.data, Date.now()]);
    else acks.get(frame.id)?.(frame.ack as never);
  });
  await until(`connected to ${url}`, () => {
    if (failure !== undefined || code !== undefined) return true;
    return socket.readyState === socket.OPEN;
  });
  if (failure !== undefined) throw failure;
  const ask = <T>(event: string, data: unknown) =>
    new Promise<T>((resolve) => {
      nextId += 1;
      acks.set(nextId, resolve as (ack: never) => void);
      socket.send(JSON.stringify({ event, data, id: nextId }));
    });
  return {
    socket,
    events,
    join: (room, options = {}) => ask("join", { roomId: room, ...(options as object) }),
    send: (event, signal) => ask(event, signal),
    got: (event) => events.filter(([name]) => name === event).map(([, data]) => data),
    connected: () => socket.readyState === socket.OPEN,
    close: () => socket.close(),
    raw: (frame) => socket.send(frame),
    closed: () => code,
  };
}
