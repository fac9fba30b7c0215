import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { exchange, openTunnelOn } from "../support/raw-socket.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../support/upstream.ts";

/** Bounds on one client's unfinished and unread bytes, and their effect on another client. */
let upstream: Upstream;
let proxy: ProxyProgram;
const open = new Set<Socket>();
async function start(options: UpstreamOptions = {}, env: Record<string, string> = {}): Promise<void> {
  upstream = await startUpstream("signaling-1", options);
  proxy = await startProxyProgram([upstream], env);
}
afterEach(async () => {
  for (const socket of open) socket.destroy();
  open.clear();
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
const session = "/socket.io/?EIO=4&transport=polling&sid=signaling-1.x";
const megabyte = 1_048_576;

/** A connection from this loopback address. Each address is a client of its own. */
async function dial(localAddress = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", localAddress });
  open.add(socket.on("error", () => socket.destroy()));
  await once(socket, "connect");
  return socket;
}
const alive = (sockets: readonly Socket[]) => sockets.filter((socket) => !socket.destroyed).length;
/** The first line received on a socket. */
async function statusOn(socket: Socket): Promise<number> {
  const [chunk] = await once(socket, "data");
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(String(chunk))?.[1]);
}

test("2,000 pipelined polls make one request to a replica, and their client is disconnected", async () => {
  const held: ServerResponse[] = [];
  await start({
    onRequest: (incoming, response) => (incoming.url === "/" ? response.end() : held.push(response)),
  });
  const before = upstream.connections();
  const socket = await dial();
  socket.write(`GET ${session} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(2_000));
  await until("it is cut", () => socket.destroyed);
  expect(held.length).toBeLessThanOrEqual(1);
  expect(upstream.connections() - before).toBeLessThan(10);
  expect(await proxy.metric('proxy_rejected_total{reason="pipelining"}')).toBe(1);
  expect((await fetch(`${proxy.url}/`)).status).toBe(200);
});

test("what waits on all connections of a client has a common bound", async () => {
  const polls: (string | undefined)[] = [];
  const onRequest: UpstreamOptions["onRequest"] = ({ url }, response) => {
    polls.push(url);
    response.on("close", () => {
      polls.splice(polls.indexOf(url), 1);
    });
  };
  await start({ onRequest }, { MAX_PENDING_BYTES_PER_CLIENT: String(megabyte) });
  const many = (who: string) => `GET ${session}&n=${who} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(150);
  const greedy = await Promise.all(Array.from({ length: 80 }, () => dial()));
  for (const socket of greedy) socket.write(many("greedy"));
  await until("those beyond the bound are cut", () => alive(greedy) <= megabyte / (16_384 + 12_000));
  expect(alive(greedy)).toBeGreaterThan(25);
  const other = await dial("127.0.0.2");
  other.write(many("other"));
  for (const socket of greedy) socket.destroy();
  await until("their polls are over", () => !polls.includes(`${session}&n=greedy`));
  const again = await dial();
  again.write(many("again"));
  await until("both poll", () => ["other", "again"].every((who) => polls.includes(`${session}&n=${who}`)));
  expect(alive([other, again])).toBe(2);
});

test("unfinished bodies: a client's bound holds, and other clients have their own", async () => {
  let received = 0;
  await start(
    {
      onRequest(incoming, response) {
        incoming.on("data", (chunk: Buffer) => {
          received += chunk.length;
        });
        incoming.on("end", () => response.end("ok"));
      },
    },
    { MAX_PENDING_BYTES_PER_CLIENT: String(megabyte) },
  );
  const body = "x".repeat(99_999);
  const head = `POST ${session} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n`;
  const sockets = await Promise.all(Array.from({ length: 40 }, () => dial()));
  const statuses: number[] = [];
  // A read for which there is no room until its turn closes its connection.
  const closed = () => sockets.length - alive(sockets);
  for (const socket of sockets) {
    socket.once("data", (chunk) => statuses.push(Number(/^HTTP\/1\.1 (\d{3})/.exec(String(chunk))?.[1])));
    socket.write(head + body);
  }
  await until("the rest is refused", () => closed() >= 30);
  expect(statuses.length).toBeGreaterThanOrEqual(20);
  expect(statuses.every((status) => status === 503)).toBe(true);
  expect(received).toBeLessThanOrEqual(megabyte + 40 * 65_536);
  const [theirs] = [await dial("127.0.0.2")];
  theirs.write(`${head + body}y`);
  expect(await statusOn(theirs)).toBe(200);
  for (const socket of sockets) socket.destroy();
  const later = () => exchange(proxy.port, `${head.replace("Host: x", "Host: x\r\nConnection: close")}${body}y`);
  await until("there is room again", async () => (await later()).status === 200);
});

test("a body in chunks of one byte is cut; one in chunks of a kilobyte passes", async () => {
  let pieces = 0;
  await start({
    onRequest(incoming, response) {
      incoming.on("data", () => {
        pieces += 1;
      });
      incoming.on("end", () => response.end("ok"));
    },
  });
  const head = `POST ${session} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const chunked = (size: number, count: number) =>
    `${head}${`${size.toString(16)}\r\n${"x".repeat(size)}\r\n`.repeat(count)}0\r\n\r\n`;
  expect((await exchange(proxy.port, chunked(1_024, 200))).status).toBe(200);
  pieces = 0;
  const crumbs = await exchange(proxy.port, chunked(1, 20_000));
  expect({ status: crumbs.status, closed: crumbs.closed }).toEqual({ status: 0, closed: true });
  expect(pieces).toBeLessThanOrEqual(513);
});

test("after an early answer a client may send the rest, and one that goes leaves no connection to the replica", async () => {
  await start({
    onRequest: (_incoming, response) => response.writeHead(400, { "content-length": "2" }).end("no"),
  });
  const head = `POST ${session} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n`;
  const [stays, goes] = [await dial(), await dial()];
  for (const socket of [stays, goes]) {
    socket.write(head + "x".repeat(100_000));
    expect(await statusOn(socket)).toBe(400);
  }
  stays.write(`${"x".repeat(100_000)}GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(await statusOn(stays)).toBe(404);
  goes.destroy();
  await until("the replica has no connection of it", () => upstream.seen[1]?.socket.destroyed === true, {
    withinMs: 3_000,
  });
});

test("a body that stops before its end is cut at its deadline, on both sides", async () => {
  let aborted = 0;
  await start(
    { onRequest: (incoming) => void incoming.on("error", () => aborted++).resume() },
    { REQUEST_TIMEOUT_MS: "1000" },
  );
  const startedAt = performance.now();
  const bytes = `POST ${session} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${"x".repeat(999)}`;
  expect(await exchange(proxy.port, bytes, 5_000)).toMatchObject({ status: 408, closed: true });
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  await until("the replica's side is ended", () => aborted === 1);
});

test("unfinished heads: connections above the bound are closed long before the heads' deadline", async () => {
  await start({}, { MAX_PENDING_BYTES_PER_CLIENT: String(megabyte) });
  const kept = await dial();
  kept.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await statusOn(kept)).toBe(200);
  const sockets = await Promise.all(Array.from({ length: 150 }, () => dial("127.0.0.2")));
  for (const socket of sockets) socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ${"x".repeat(12_000)}`);
  // A parser holds about eight times the bytes of a head of short lines.
  await until("most are closed", () => alive(sockets) <= megabyte / 8 / 12_000, { withinMs: 4_000 });
  expect(alive(sockets)).toBeGreaterThan(3);
  kept.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await statusOn(kept)).toBe(200);
});

test("polls with long heads: those above the bound are closed, polls with usual heads stay", async () => {
  await start({ onRequest: () => undefined }, { MAX_PENDING_BYTES_PER_CLIENT: String(megabyte) });
  const usual = await Promise.all(Array.from({ length: 150 }, () => dial()));
  for (const socket of usual) socket.write(`GET ${session} HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(3_900)}\r\n\r\n`);
  const long = await Promise.all(Array.from({ length: 150 }, () => dial("127.0.0.2")));
  for (const socket of long) socket.write(`GET ${session} HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(15_000)}\r\n\r\n`);
  await until("most are closed", () => alive(long) <= megabyte / 2 / 10_900);
  expect(alive(long)).toBeGreaterThan(20);
  expect(alive(usual)).toBe(150);
});

/** Writes endlessly, as fast as the reader reads. */
function pour(socket: Socket | ServerResponse): void {
  const piece = Buffer.alloc(65_536);
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once("drain", more);
  };
  more();
}

test("unread tunnels: a client's tunnels above its bound are closed, another client's stays", async () => {
  await start(
    { onTunnel: (socket, { url }) => (url?.includes("pour") ? pour(socket) : socket.pipe(socket)) },
    { MAX_PENDING_BYTES_PER_CLIENT: String(megabyte) },
  );
  const { socket: good } = await openTunnelOn(await dial(), "/ws");
  await Promise.all(Array.from({ length: 30 }, async () => openTunnelOn(await dial("127.0.0.2"), "/ws?pour")));
  await until("some are closed", async () => (await proxy.replica("signaling-1")).tunnels <= 1 + megabyte / 65_536, {
    withinMs: 15_000,
  });
  expect(await proxy.metric('proxy_tunnels_closed_total{replica="signaling-1",reason="pending"}')).toBeGreaterThan(0);
  good.resume().write("still there");
  expect(String((await once(good, "data"))[0])).toBe("still there");
});

test("unread answers: the same", async () => {
  await start(
    { onRequest: (_incoming, response) => pour(response) },
    { MAX_PENDING_BYTES_PER_CLIENT: String(megabyte) },
  );
  const sockets = await Promise.all(Array.from({ length: 30 }, () => dial("127.0.0.2")));
  for (const socket of sockets) socket.write(`GET ${session} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until("some are closed", async () => (await proxy.metric('proxy_rejected_total{reason="pending"}')) > 10, {
    withinMs: 15_000,
  });
});
