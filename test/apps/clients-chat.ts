import { io } from "socket.io-client";
import { expect } from "vitest";
import { until } from "../support/poll.ts";
import type { Held } from "./held.ts";
import type { RealClients } from "./real-clients.ts";

const uploadBytes = 5 * 1_024 * 1_024;

interface ChatClient extends Held {
  say(text: string): void;
  heard: string[];
}

/** A Socket.IO client like a browser: it keeps cookies, and its session id is plain. */
function connect(url: string, name: string, transports: string[]): ChatClient {
  const socket = io(url, { transports, withCredentials: true, forceNew: true, reconnectionDelayMax: 1_000 });
  let node: string | null = null;
  const client: ChatClient = {
    name,
    connected: () => socket.connected,
    node: () => node,
    losses: [],
    heard: [],
    say: (text) => void socket.emit("message", "lobby", text),
    close: () => void socket.close(),
  };
  socket.on("welcome", (told: { node: string }) => {
    node = told.node;
    socket.emit("enter", "lobby");
  });
  socket.on("message", ({ text }: { text: string }) => client.heard.push(text));
  socket.on("disconnect", () => {
    client.losses.push({ at: Date.now(), node });
    node = null;
  });
  return client;
}

export const chatClients: RealClients = {
  example: "chat",
  async connect(url) {
    const polling = Array.from({ length: 12 }, (_, index) => connect(url, `polling ${index}`, ["polling"]));
    const upgraded = Array.from({ length: 6 }, (_, index) =>
      connect(url, `default ${index}`, ["polling", "websocket"]),
    );
    return [...polling, ...upgraded];
  },
  async works(url, clients) {
    const chats = clients as ChatClient[];
    const text = `said at ${Date.now()}`;
    chats[0]?.say(text);
    await until("all hear it", () => chats.every(({ heard }) => heard.includes(text)));
    expect(await (await fetch(`${url}/rooms`)).json()).toEqual({ rooms: ["lobby", "support"] });
    const answer = await fetch(`${url}/uploads`, { method: "POST", body: new Uint8Array(uploadBytes) });
    expect([answer.status, ((await answer.json()) as { bytes: number }).bytes]).toEqual([201, uploadBytes]);
  },
};
