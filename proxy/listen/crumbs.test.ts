import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { cutCrumbs } from "./crumbs.ts";

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Bodies that came to their end. */
async function listen() {
  const seen = { bodies: [] as string[] };
  server = createServer((request, response) => {
    cutCrumbs(request);
    let text = "";
    request.setEncoding("utf8").on("data", (piece) => {
      text += piece;
    });
    request.on("error", () => undefined);
    request.on("end", () => {
      seen.bodies.push(text);
      response.end();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return seen;
}

/** Resolves when the connection is closed, by whatever end. */
function post(chunk: string, count: number): Promise<void> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
  socket.write(`${`${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(count)}0\r\n\r\n`);
  return new Promise((resolve) => {
    socket.on("error", () => socket.destroy()).resume();
    socket.on("close", () => resolve());
  });
}

test("a body of crumbs ends with its connection", async () => {
  const seen = await listen();
  await post("x", 20_000);
  expect(seen.bodies).toEqual([]);
});

test("the next body comes through, by whichever parser", async () => {
  const seen = await listen();
  await post("x", 20_000);
  await post("y".repeat(20), 2_000);
  await post("z", 300);
  expect(seen.bodies.map(({ length }) => length)).toEqual([40_000, 300]);
});
