import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ZodError } from "zod";
import { createLog } from "../../common/log.ts";
import { freePort } from "../../test/support/free-port.ts";
import { until } from "../../test/support/poll.ts";
import { createLink, type Link } from "./link.ts";

const host = "127.0.0.1";
let echo: Server;
let link: Link;
let port: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket));
  await once(echo.listen(0, host), "listening");
  port = await freePort();
  const upstream = { host, port: (echo.address() as AddressInfo).port };
  link = createLink("signaling-1", { host, port }, upstream, createLog({ service: "links", level: "fatal" }));
  await link.open();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  link.close();
  echo.close();
});

/** A client of the link; `received` grows, `failure` is the error code it ended with. */
async function dial() {
  const socket = connect(port, host);
  const client = { socket, received: "", failure: "", closed: false };
  sockets.push(socket);
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    client.received += chunk;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    client.failure = error.code ?? "";
  });
  socket.on("close", () => {
    client.closed = true;
  });
  await once(socket, "connect");
  return client;
}

/** A byte to an echo server and back. */
async function roundTrip(to: number): Promise<void> {
  const socket = connect(to, host);
  sockets.push(socket);
  socket.write("x");
  await once(socket, "data");
  socket.destroy();
}

test("a healthy link carries every byte both ways, in order, and the end of the stream", async () => {
  const client = await dial();
  const sent = Array.from({ length: 60_000 }, (_, index) => `${index},`).join("");
  client.socket.end(sent);
  await until("all is echoed", () => client.received.length === sent.length);
  expect(client.received).toBe(sent);
  await until("the end is carried", () => client.closed);
  await until("nothing is left", () => link.describe().connections === 0);
});

test("latency holds each chunk in each direction, and no chunk overtakes another", async () => {
  link.set("latency", { latencyMs: 60, jitterMs: 40 });
  const client = await dial();
  const begunAt = performance.now();
  for (let index = 0; index < 50; index += 1) client.socket.write(`${index},`);
  const sent = Array.from({ length: 50 }, (_, index) => `${index},`).join("");
  await until("all is echoed", () => client.received.length === sent.length);
  expect(client.received).toBe(sent);
  expect(performance.now() - begunAt).toBeGreaterThan(2 * 20);
});

test("a black hole keeps sockets open and delivers nothing until it is cleared, then everything", async () => {
  const standing = await dial();
  standing.socket.write("before ");
  await until("the link works", () => standing.received === "before ");
  link.set("black-hole", {});
  standing.socket.write("during");
  const late = await dial();
  late.socket.write("late");
  // Long enough for the bytes to come through a healthy link many times.
  for (let trip = 0; trip < 50; trip += 1) await roundTrip((echo.address() as AddressInfo).port);
  expect(standing).toMatchObject({ received: "before ", closed: false });
  expect(late).toMatchObject({ received: "", closed: false });
  link.clear("black-hole");
  await until("both are served", () => standing.received === "before during" && late.received === "late");
});

test("a lost upstream closes the client; a returned one serves the next client", async () => {
  const upstreamPort = (echo.address() as AddressInfo).port;
  await new Promise((resolve) => echo.close(resolve));
  const client = await dial();
  await until("the client is ended", () => client.closed);
  await once(echo.listen(upstreamPort, host), "listening");
  const next = await dial();
  next.socket.write("x");
  await until("the next is served", () => next.received === "x");
});

test("unknown faults and bad settings are refused and change nothing", () => {
  expect(() => link.set("fire", {})).toThrow("no such fault: fire (latency, black-hole)");
  expect(() => link.set("latency", { latencyMs: -1 })).toThrow(ZodError);
  expect(link.describe().faults).toEqual({});
});
