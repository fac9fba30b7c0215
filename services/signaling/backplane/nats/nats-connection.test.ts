import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createLog } from "../../../../common/log.ts";
import { openNats } from "./nats-connection.ts";
import { subjectOf } from "./subject.ts";

const log = createLog({ service: "test", level: "silent" });
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/**
 * A connection to a server that greets, confirms the login, and answers nothing from then on: it is overloaded, or its
 * answers are lost.
 */
async function openToSilentServer() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.write('INFO {"server_id":"silent","version":"2.9.10","proto":1,"headers":true,"max_payload":8388608}\r\n');
    socket.once("data", () => socket.write("PONG\r\n"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const scope = new AbortController();
  closing.push(() => {
    scope.abort(new Error("the test is over"));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const connection = await openNats({ servers: `127.0.0.1:${port}` }, scope, log);
  const [socket] = sockets as [Socket];
  return { connection, scope, socket, count: () => sockets.length };
}

test("what waits for the server ends with the connection, which is not made again, and nothing is kept for later", async () => {
  const { connection, scope, socket, count } = await openToSilentServer();
  const subscribed = connection.subscribe("channel", "x", () => undefined);
  socket.destroy();
  await expect(subscribed).rejects.toThrow();
  expect(scope.signal.aborted).toBe(true);
  expect(() => connection.publish("channel", "x", Buffer.from("late"))).toThrow();
  await connection.client.closed();
  expect(count()).toBe(1);
});

test("a listener that throws ends the connection, whose reader would end without a sign", async () => {
  const { connection, scope, socket } = await openToSilentServer();
  const subscribed = connection.subscribe("channel", "x", () => {
    throw new TypeError("unreadable");
  });
  const ended = once(scope.signal, "abort");
  socket.write(`MSG ${subjectOf("x")} 1 1\r\na\r\n`);
  await expect(subscribed).rejects.toThrow("unreadable");
  await ended;
  expect(scope.signal.reason).toEqual(new TypeError("unreadable"));
});

test("a refused permission ends the connection", async () => {
  const { scope, socket } = await openToSilentServer();
  const ended = once(scope.signal, "abort");
  socket.write("-ERR 'Permissions Violation for Publish to \"hold-the-line.x\"'\r\n");
  await ended;
  expect(String(scope.signal.reason)).toMatch("Permissions Violation");
});

test("more than 16 MiB that the server has not confirmed are not sent", async () => {
  const { connection } = await openToSilentServer();
  const message = Buffer.alloc(1_048_576);
  for (let count = 0; count < 17; count += 1) connection.publish("channel", "x", message);
  expect(() => connection.publish("channel", "x", message)).toThrow("NATS does not take what is published");
});
