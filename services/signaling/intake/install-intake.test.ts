import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { SOCKET_IO_PATH } from "../../../common/protocol-names.ts";
import { until } from "../../../test/support/poll.ts";
import { schema } from "../config.ts";
import { type ClientBudgets, createClientBudgets } from "./client-budgets.ts";
import { type EngineSocket, installIntake } from "./install-intake.ts";
import { createLedger } from "./ledger.ts";
import { Turns } from "./turns.ts";

/** Tokens of a connection, which hardly refill during a test. */
const burst = 64;
let io: Server;
let clients: ClientBudgets;
let url: string;
const sockets: WebSocket[] = [];
let connections: EngineSocket[];
let probes: number;

beforeEach(async () => {
  const http = createServer();
  io = new Server(http, { path: SOCKET_IO_PATH, serveClient: false });
  const config = schema.parse({ EVENT_BURST: String(burst), EVENTS_PER_SECOND: "1" });
  clients = createClientBudgets(config);
  installIntake(io, {
    config,
    clients,
    unfinished: createLedger(1_000_000),
    turns: new Turns(),
    onClientLimit: () => undefined,
    onRefused: () => undefined,
    onOverflow: () => expect.unreachable(),
  });
  connections = [];
  probes = 0;
  io.engine.on("connection", (connection: EngineSocket) => {
    connections.push(connection);
    connection.on("upgrading", () => {
      probes += 1;
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  url = `127.0.0.1:${(http.address() as AddressInfo).port}${SOCKET_IO_PATH}?EIO=4`;
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  clients.close();
  await io.close();
});

async function open(query: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${url}&transport=websocket${query}`);
  sockets.push(socket);
  socket.on("error", () => socket.terminate());
  await until("the WebSocket is open", () => socket.readyState === socket.OPEN);
  return socket;
}

test("a connection that floods heartbeats is read more slowly, one with a few is not", async () => {
  const [flood, calm] = [await open(""), await open("")];
  const isPaused = (index: number) => connections[index]?.transport.socket?.isPaused;
  for (let sent = 0; sent < 20; sent += 1) calm.send("3");
  for (let sent = 0; sent < 20_000; sent += 1) flood.send("3");
  await until("the flood is paused", () => isPaused(0));
  expect(isPaused(1)).toBe(false);
  expect([flood.readyState, calm.readyState]).toEqual([flood.OPEN, calm.OPEN]);
});

test("an upgrade with too many probes ends, and its session stays", async () => {
  const opened = await (await fetch(`http://${url}&transport=polling`)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const socket = await open(`&sid=${sid}`);
  for (let sent = 0; sent < 2_000; sent += 1) socket.send("2probe");
  await until("the upgrade has ended", () => socket.readyState === socket.CLOSED);
  // Four of 16 tokens, one that is refused, and one for the refill.
  expect(probes).toBeGreaterThanOrEqual(burst / 16);
  expect(probes).toBeLessThanOrEqual(burst / 16 + 2);
  expect(connections[0]?.readyState).toBe("open");
  expect((await fetch(`http://${url}&transport=polling&sid=${sid}`, { method: "POST", body: "3" })).status).toBe(200);
});

test("one probe and the upgrade behind it are accepted", async () => {
  const opened = await (await fetch(`http://${url}&transport=polling`)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const socket = await open(`&sid=${sid}`);
  socket.send("2probe");
  await until("the probe is seen", () => probes === 1);
  socket.send("5");
  await until("it is upgraded", () => connections[0]?.transport.name === "websocket");
});
