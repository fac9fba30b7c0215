import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { batchWrites } from "./write-batch.ts";

/** Both ends of a WebSocket, and the network socket of the first. */
async function connection() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[webSocket]] = await Promise.all([accepted, once(client, "open")]);
  const { _socket: socket } = webSocket as unknown as { _socket: Socket };
  const writes = [vi.spyOn(socket, "_write"), vi.spyOn(socket, "_writev" as "_write")];
  return {
    webSocket,
    client,
    socket,
    writes: () => writes.reduce((sum, { mock }) => sum + mock.calls.length, 0),
    [Symbol.dispose]() {
      client.terminate();
      server.close();
    },
  };
}

test("what is sent in one callback is one write, in order", async () => {
  using one = await connection();
  const got: string[] = [];
  one.client.on("message", (data) => got.push(data.toString()));
  const sent = Array.from({ length: 100 }, (_, index) => `message ${index}`);
  for (const [batches, messages] of [sent, ["next", "last"]].entries()) {
    for (const message of messages) {
      batchWrites(one.webSocket);
      one.webSocket.send(message);
    }
    expect(one.writes()).toBe(batches);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(one.writes()).toBe(batches + 1);
  }
  one.webSocket.close();
  await once(one.client, "close");
  expect(got).toEqual([...sent, "next", "last"]);
});

test("a batch does not grow far beyond 64 KiB", async () => {
  using one = await connection();
  let most = 0;
  for (let count = 0; count < 20; count += 1) {
    batchWrites(one.webSocket);
    one.webSocket.send("x".repeat(20_000));
    most = Math.max(most, one.socket.writableLength);
  }
  expect(most).toBeGreaterThan(65_536);
  expect(most).toBeLessThan(65_536 + 21_000);
});

test("where ws is built differently it writes each message by itself", async () => {
  using one = await connection();
  for (const hidden of [undefined, null]) {
    batchWrites(Object.create(one.webSocket, { _socket: { value: hidden } }) as WebSocket);
    const before = one.writes();
    one.webSocket.send("a message");
    expect(one.writes()).toBe(before + 1);
  }
});
