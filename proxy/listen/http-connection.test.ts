import { once } from "node:events";
import { createServer, IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { until } from "../../test/support/poll.ts";
import { createIdleConnections } from "../fairness/idle-connections.ts";
import { Turns } from "../fairness/turns.ts";
import { readInto } from "../tuning/late-onread.ts";
import { HttpConnection } from "./http-connection.ts";
import { createPendingBytes } from "./pending-bytes.ts";

let server: Server;
let parsed: number;
let held: ServerResponse[];
let refused: string[];

class Counted extends IncomingMessage {
  constructor(socket: Socket) {
    super(socket);
    parsed += 1;
  }
}

/** A client of a server that holds its answers. */
async function dial({
  perClient = 1_000_000,
  isShared = false,
} = {}): Promise<{ client: Socket; connection: HttpConnection }> {
  [parsed, held, refused] = [0, [], []];
  server = createServer({ IncomingMessage: Counted });
  const pending = createPendingBytes({ perClient, ipv6Prefix: 64 });
  const accepted = new Promise<HttpConnection>((resolve) => {
    server.on("connection", (socket) => {
      const connection = new HttpConnection(socket, {
        address: "192.0.2.1",
        pending,
        readInto: isShared ? readInto : () => false,
        turns: new Turns(64, new Set()),
        idle: createIdleConnections({ ipv6Prefix: 64 }),
        refuse: (reason) => {
          refused.push(reason);
        },
      });
      socket.once("close", () => connection.closed());
      resolve(connection);
    });
  });
  server.on("request", (request, response) => {
    HttpConnection.of(request.socket)?.take(request, response, () => held.push(response));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => client.destroy());
  return { client, connection: await accepted };
}
afterEach(() => {
  server.closeAllConnections();
  server.close();
});
const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

test.for([true, false])(
  "of 20 pipelined requests the parser reads one at a time (shared buffer: %s)",
  async (isShared) => {
    const { client } = await dial({ isShared });
    client.resume().write(get.repeat(20));
    for (let count = 1; count <= 20; count += 1) {
      await until(`request ${count} is there`, () => held.length === count);
      expect(parsed).toBe(count);
      held.at(-1)?.end();
    }
  },
);

test.for([true, false])(
  "bodies of every framing leave the next request unread (shared buffer: %s)",
  async (isShared) => {
    const { client, connection } = await dial({ isShared });
    const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n";
    const sized = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 * get.length}\r\n\r\n${get}${get}`;
    client.resume();
    const bodies: string[] = [];
    for (const [index, message] of [chunked, sized, get].entries()) {
      for (const byte of message + get) client.write(byte);
      await until("it is complete", () => held[2 * index]?.req.complete === true);
      expect(parsed).toBe(2 * index + 1);
      bodies.push(await text(held[2 * index]?.req as IncomingMessage));
      held[2 * index]?.end();
      await until("the next one is read", () => held.length === 2 * index + 2);
      held[2 * index + 1]?.end();
    }
    expect(bodies).toEqual(["abc", `${get}${get}`, ""]);
    await until("nothing is held for it", () => connection.heldBytes() === 0);
  },
);

test.for([true, false])("large bodies come whole, over several turns (shared buffer: %s)", async (isShared) => {
  const { client } = await dial({ isShared });
  const body = Array.from({ length: 40_000 }, (_, index) => `${index}\r\n\r\n`).join("");
  const chunked = body.match(/.{1,3000}/gs)?.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`) ?? [];
  const head = "POST / HTTP/1.1\r\nHost: x\r\n";
  const messages = [
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunked.join("")}0\r\n\r\n`,
    `${head}Content-Length: ${body.length}\r\n\r\n${body}`,
  ];
  client.resume();
  for (const [index, message] of messages.entries()) {
    client.write(message);
    await until("it is there", () => held.length === index + 1);
    expect(await text(held[index]?.req as IncomingMessage)).toBe(body);
    held[index]?.end();
    await until("it is answered", () => held[index]?.closed === true);
  }
});

test("a body that waits is not overwritten by what comes on other connections", async () => {
  const { client } = await dial({ isShared: true });
  const body = "x".repeat(10_000);
  client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until("it is there", () => held[0]?.req.readableLength === body.length);
  const other = connect((server.address() as AddressInfo).port, "127.0.0.1");
  other.write(`GET /${"y".repeat(12_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until("the other one is there", () => held.length === 2);
  expect(await text(held[0]?.req as IncomingMessage)).toBe(body);
  other.destroy();
});

test("over 16 KiB behind a request, or more than the client may have waiting, end the connection", async () => {
  const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const [perClient, bytes, reason] of [
    [1_000_000, get + "x".repeat(20_000), "pipelining"],
    [20_000, get + "x".repeat(10_000), "pending"],
    [20_000, chunked + "2\r\nab\r\n".repeat(5_000), "pending"],
  ] as const) {
    const { client } = await dial({ perClient });
    client.resume().write(bytes);
    await once(client, "close");
    expect({ parsed, refused }).toEqual({ parsed: 1, refused: [reason] });
    server.close();
  }
});

test("what waited for an answer counts no longer than until its turn", async () => {
  const { client } = await dial({ perClient: 20_000 });
  const other = connect((server.address() as AddressInfo).port, "127.0.0.1");
  other.on("error", () => other.destroy());
  // There is room for one that waits.
  for (const [index, socket] of [client, other].entries()) {
    socket.resume().write(get + get);
    await until("the first one is there", () => held.length === 2 * index + 1 || refused.length > 0);
    held.at(-1)?.end();
    await until(
      "the second one is there, and is not answered",
      () => held.length === 2 * index + 2 || refused.length > 0,
    );
  }
  expect(refused).toEqual([]);
  other.destroy();
});
