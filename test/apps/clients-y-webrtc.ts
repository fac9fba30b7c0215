import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { until } from "../support/poll.ts";
import type { Held } from "./held.ts";
import type { RealClients } from "./real-clients.ts";

/** The signaling connection of y-webrtc's own client, which reconnects by itself. */
interface SignalingConn {
  connected: boolean;
  on(
    event: "connect" | "disconnect" | "message",
    listener: (message: { topic?: string; data?: unknown }) => void,
  ): void;
  send(message: unknown): void;
  destroy(): void;
}

interface Subscriber extends Held {
  room: string;
  publish(data: string): void;
  heard: unknown[];
}

const rooms = Array.from({ length: 8 }, () => randomUUID());

/** Finds the replica of a room. The proxy hashes the room and names the replica in a header. */
async function replicaOf(url: string, room: string): Promise<string | null> {
  const answer = await fetch(`${url}/?room=${room}`);
  await answer.body?.cancel();
  return answer.headers.get("x-replica");
}

export const yWebrtcClients: RealClients = {
  example: "y-webrtc",
  // The server keeps topics in memory, so all peers of a room must be on one replica.
  settings: { STICKY_KEY: "room" },
  async connect(url) {
    const client = join(import.meta.dirname, "../../examples/y-webrtc/node_modules/y-webrtc/src/y-webrtc.js");
    const { SignalingConn } = (await import(pathToFileURL(client).href)) as {
      SignalingConn: new (url: string) => SignalingConn;
    };
    return rooms.flatMap((room) => ["a", "b"].map((side) => subscribe(SignalingConn, url, room, side)));
  },
  async works(_url, clients) {
    const text = `said at ${Date.now()}`;
    const subscribers = clients as Subscriber[];
    for (const one of subscribers) if (one.name.endsWith("a")) one.publish(text);
    await until("both of each room hear it", () => subscribers.every(({ heard }) => heard.includes(text)));
    expect(subscribers.every(({ node }) => node() !== null)).toBe(true);
  },
};

function subscribe(Conn: new (url: string) => SignalingConn, url: string, room: string, side: string): Subscriber {
  const conn = new Conn(`${url.replace("http", "ws")}/?room=${room}`);
  let node: string | null = null;
  const client: Subscriber = {
    name: `${room.slice(0, 4)} ${side}`,
    room,
    connected: () => conn.connected && node !== null,
    node: () => node,
    losses: [],
    heard: [],
    publish: (data) => conn.send({ type: "publish", topic: room, data }),
    close: () => conn.destroy(),
  };
  conn.on("connect", () => {
    conn.send({ type: "subscribe", topics: [room] });
    replicaOf(url, room).then((id) => {
      node = id;
    }, client.heard.push);
  });
  conn.on("message", ({ topic, data }) => {
    if (topic === room) client.heard.push(data);
  });
  conn.on("disconnect", () => {
    client.losses.push({ at: Date.now(), node });
    node = null;
  });
  return client;
}
