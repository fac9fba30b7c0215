import { WebSocket } from "ws";
import { until } from "../poll.ts";

/** An Engine.IO connection without a client library. It can send packets that a library never sends. */
export interface EnginePeer {
  /** Received texts with Engine.IO's type, and binary messages. */
  readonly got: (string | Buffer)[];
  readonly socket: WebSocket;
  send(...messages: (string | Buffer)[]): void;
  /** Sends an event with an ack id. Resolves with the ack. */
  ask(id: number, event: unknown[], ...attachments: Buffer[]): Promise<Record<string, unknown>>;
  /** Received texts that contain this one. */
  having(text: string): string[];
  isOpen(): boolean;
  close(): void;
}

/** Connects by WebSocket and, by default, enters `/signaling`. */
export async function connectEngine(
  url: string,
  { enter = true, headers = {} }: { enter?: boolean; headers?: Record<string, string> } = {},
): Promise<EnginePeer> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`, { headers });
  const got: (string | Buffer)[] = [];
  socket.on("error", () => socket.terminate());
  socket.on("message", (data: Buffer, isBinary) => {
    const message = isBinary ? data : data.toString();
    if (message === "2") socket.send("3");
    else got.push(message);
  });
  const having = (text: string) => got.filter((message): message is string => message.includes(text));
  const peer: EnginePeer = {
    got,
    socket,
    send(...messages) {
      for (const message of messages) socket.send(message);
    },
    async ask(id, event, ...attachments) {
      const type = attachments.length === 0 ? "42" : `45${attachments.length}-`;
      peer.send(`${type}/signaling,${id}${JSON.stringify(event)}`, ...attachments);
      const start = `43/signaling,${id}[`;
      const answer = await until(`ack ${id}`, () => having(start)[0]);
      return JSON.parse(answer.slice(start.length - 1))[0];
    },
    having,
    isOpen: () => socket.readyState === socket.OPEN,
    close: () => socket.terminate(),
  };
  await until("open", () => peer.having("0{")[0]);
  if (enter) {
    peer.send("40/signaling,");
    await until("in the namespace", () => having("40/signaling,")[0]);
  }
  return peer;
}

/** A polling session without a client library. */
export async function openPolling(url: string, { enter = true } = {}) {
  const endpoint = `${url}/socket.io/?EIO=4&transport=polling`;
  const open = await (await fetch(endpoint)).text();
  const { sid } = JSON.parse(open.slice(1)) as { sid: string };
  const address = `${endpoint}&sid=${sid}`;
  const session = {
    sid,
    address,
    /** Sends a payload. Resolves with the answer's status. */
    post: async (body: string) => (await fetch(address, { method: "POST", body })).status,
    poll: async () => (await fetch(address)).text(),
  };
  if (enter) {
    await session.post("40/signaling,");
    await session.poll();
  }
  return session;
}
