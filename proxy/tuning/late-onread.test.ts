import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { until } from "../../test/support/poll.ts";
import { readInto } from "./late-onread.ts";

/** A connection as a server gets it, and its other side. */
async function accepted(): Promise<{ socket: Socket; peer: Socket } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  return {
    socket,
    peer,
    async [Symbol.asyncDispose]() {
      peer.destroy();
      socket.destroy();
      await once(server.close(), "close");
    },
  };
}
const textOf = (size: number, buffer: Uint8Array) => Buffer.from(buffer.subarray(0, size)).toString("latin1");

test("on this Node an accepted socket can switch to a given buffer in the middle of its stream", async () => {
  await using pair = await accepted();
  const events: string[] = [];
  const reads: string[] = [];
  const buffer = Buffer.alloc(65_536);
  pair.socket.on("data", (chunk) => events.push(String(chunk)));
  pair.peer.write("by event");
  await until("the event", () => events.length === 1);
  const own = readInto(pair.socket, buffer, (size, into) => {
    expect(into).toBe(buffer);
    reads.push(textOf(size, into));
    return true;
  });
  expect(own).toBe(true);
  pair.peer.write("by read");
  await until("the read", () => reads.length === 1);
  expect([events, reads]).toEqual([["by event"], ["by read"]]);
  expect(pair.socket.bytesRead).toBe(15);
});

test("false stops reading, resume continues it, and the end comes after the last byte", async () => {
  await using pair = await accepted();
  let text = "";
  let reads = 0;
  pair.socket.on("data", () => undefined).on("end", () => pair.socket.end(`got ${text.length}`));
  readInto(pair.socket, Buffer.alloc(1_024), (size, into) => {
    text += textOf(size, into);
    reads += 1;
    return false;
  });
  const sent = "0123456789".repeat(500);
  pair.peer.end(sent);
  for (let taken = 1; text.length < sent.length; taken++) {
    await until(`read ${taken}`, () => reads === taken);
    pair.socket.resume();
  }
  const [answer] = await once(pair.peer, "data");
  expect(String(answer)).toBe("got 5000");
  expect(text).toBe(sent);
});

test("a socket with unread bytes is not changed", async () => {
  await using pair = await accepted();
  pair.peer.write("waiting");
  await once(pair.socket, "readable");
  expect(readInto(pair.socket, Buffer.alloc(1_024), () => true)).toBe(false);
  expect(String(pair.socket.read())).toBe("waiting");
});
