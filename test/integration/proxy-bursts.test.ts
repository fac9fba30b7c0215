import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnelOn } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/** Requests of one client that come in the same moment, and their effect on another client. */
let upstream: Upstream;
let proxy: ProxyProgram;
const open = new Set<Socket>();
beforeEach(async () => {
  upstream = await startUpstream("signaling-1", {
    onRequest: ({ url }, response) => {
      if (url !== "/?held") response.end("ok");
    },
  });
  proxy = await startProxyProgram([upstream]);
});
afterEach(async () => {
  for (const socket of open) socket.destroy();
  open.clear();
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const get = (path = "/") => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** Connections from this loopback address. Each address is a client of its own. */
async function dial(count: number, localAddress = "127.0.0.1"): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, async () => {
      const socket = connect({ port: proxy.port, host: "127.0.0.1", localAddress });
      open.add(socket.on("error", () => socket.destroy()));
      await once(socket, "connect");
      return socket;
    });
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

test.each(["first", "second"])("a request does not wait behind 1,000 of another client, each its %s", async (which) => {
  const many = await dial(1_000);
  const [other] = (await dial(1, "127.0.0.2")) as [Socket];
  let answered = 0;
  const ask = async () => {
    answered = 0;
    for (const socket of many) socket.write(get());
    other.write(get());
    await once(other, "data");
    return answered;
  };
  for (const socket of many) socket.on("data", () => (answered += 1));
  let before = await ask();
  if (which === "second") {
    await until("all are answered", () => answered === 1_000);
    before = await ask();
  }
  expect(before).toBeLessThan(500);
  await until("all are answered", () => answered === 1_000);
});

test("above 1,024 kept-alive connections of a client without a request, answers close theirs", async () => {
  const many: Socket[] = [];
  let closed = 0;
  const isLast = (answer: unknown) => /^connection: close/im.test(String(answer));
  // Each asks at once: a connection that is silent for HEAD_TIMEOUT_MS is closed.
  while (many.length < 1_200) {
    const [socket] = (await dial(1)) as [Socket];
    many.push(socket);
    socket.on("data", (chunk) => (closed += isLast(chunk) ? 1 : 0));
    socket.write(get());
    await once(socket, "data");
  }
  expect(closed).toBe(1_200 - 1_024);
  const closes = async (localAddress: string) => {
    const [socket] = (await dial(1, localAddress)) as [Socket];
    socket.write(get());
    const [answer] = await once(socket, "data");
    return isLast(answer);
  };
  expect(await closes("127.0.0.2")).toBe(false);
  // A connection that carries a tunnel is not idle, nor is one that is closed.
  await openTunnelOn(many[0] as Socket);
  expect([await closes("127.0.0.1"), await closes("127.0.0.1")]).toEqual([false, true]);
  many[1]?.destroy();
  await until("a closed one makes room", async () => !(await closes("127.0.0.1")));
  expect(many.slice(2, 1_024).filter((socket) => socket.destroyed)).toEqual([]);
});

test("requests whose answer is held hold up no other", async () => {
  const many = await dial(300);
  for (const socket of many) socket.write(get("/?held"));
  const [own] = (await dial(1)) as [Socket];
  const [other] = (await dial(1, "127.0.0.2")) as [Socket];
  for (const socket of [own, other]) {
    socket.write(get());
    expect(String(await once(socket, "data"))).toMatch(/200 OK/);
  }
});
