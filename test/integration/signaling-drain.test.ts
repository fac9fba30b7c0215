import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { drainUnderLoad } from "../support/load/drain-under-load.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";

interface WithNetSocket {
  _socket: Socket;
}
const post = (adminUrl: string, path: string) =>
  fetch(`${adminUrl}${path}`, { method: "POST", headers: { "content-type": "application/json" } });

test("POST /drain moves every peer, long-polling and /ws too, announced away first; POST /undrain takes sessions again", async () => {
  await using redis = await startRedisServer();
  const one = await startReplica("signaling-1", redis.url);
  await using _one = one.program;
  const two = await startReplica("signaling-2", redis.url);
  await using _two = two.program;
  const witness = await joinRoom(await connectSocketIo(two.url), "room");
  const peers = [
    await joinRoom(await connectSocketIo(one.url, { reconnection: false }), "room"),
    await joinRoom(await connectSocketIo(one.url, { transports: ["polling"], reconnection: false }), "room"),
    await joinRoom(await connectRaw(one.url), "room"),
  ];
  await until("the witness knows all", () => witness.got("peer-joined").length === 3);
  expect((await post(one.adminUrl, "/drain")).status).toBe(202);
  const ready = await fetch(`${one.adminUrl}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({ node: "signaling-1", state: "draining" });
  await until("all are closed", () => peers.every((peer) => !peer.connected()), { withinMs: 5_000 });
  for (const peer of peers) expect(peer.got("draining")[0]?.["reconnectInMs"]).toBeTypeOf("number");
  expect(witness.got("peer-away").map(({ reason }) => reason)).toEqual(["draining", "draining", "draining"]);
  expect(witness.got("peer-left")).toEqual([]);
  const late = await connectSocketIo(one.url, { reconnection: false });
  expect(await late.join("room")).toMatchObject({ ok: false, error: { code: "draining", retryAfterMs: 250 } });
  late.close();
  expect((await post(one.adminUrl, "/undrain")).status).toBe(200);
  expect((await fetch(`${one.adminUrl}/readyz`)).status).toBe(200);
  await joinRoom(await connectSocketIo(one.url), "room").then((peer) => peer.close());
  witness.close();
});

test(
  "SIGTERM with 1,000 peers under load: paced, all peers back, no acknowledged signal lost, exit 0",
  () => drainUnderLoad("pubsub", { calls: 500, perSecond: 100 }),
  120_000,
);

test(
  "SIGTERM of one of two proxies under load: all peers are back behind the other, no acknowledged signal lost, exit 0",
  () => drainUnderLoad("pubsub", { calls: 50, perSecond: 100, everyMs: 20, proxies: true }),
  60_000,
);

test("a client's side that ends without a close frame: its peer is announced as away, and the other side ends later", async () => {
  await using redis = await startRedisServer();
  const one = await startReplica("signaling-1", redis.url);
  await using _one = one.program;
  const two = await startReplica("signaling-2", redis.url);
  await using _two = two.program;
  const witness = await joinRoom(await connectSocketIo(two.url), "room");
  const viaSocketIo = await joinRoom(await connectSocketIo(one.url, { reconnection: false }), "room");
  const viaRaw = await joinRoom(await connectRaw(one.url), "room");
  const { ws } = viaSocketIo.socket.io.engine.transport as unknown as { ws: WithNetSocket };
  for (const [peer, webSocket] of [
    [viaSocketIo, ws],
    [viaRaw, viaRaw.socket as unknown as WithNetSocket],
  ] as const) {
    const endedAt = performance.now();
    // The test's own `ws` would end at once too.
    webSocket._socket.removeAllListeners("end");
    webSocket._socket.end();
    await new Promise((closed) => webSocket._socket.once("end", closed));
    expect(performance.now() - endedAt).toBeGreaterThanOrEqual(240);
    webSocket._socket.destroy();
    await until("the witness knows", () => witness.got("peer-away").some(({ peerId }) => peerId === peer.peerId));
  }
  expect(witness.got("peer-away").map(({ reason }) => reason)).toEqual(["disconnected", "disconnected"]);
  witness.close();
});

test("a second SIGTERM ends a draining replica at once", async () => {
  await using redis = await startRedisServer();
  const one = await startReplica("signaling-1", redis.url, { DRAIN_PER_SECOND: "1" });
  await using _one = one.program;
  for (let at = 0; at < 10; at += 1) await joinRoom(await connectSocketIo(one.url, { reconnection: false }), "room");
  one.program.kill("SIGTERM");
  await until("it drains", () => one.program.output().includes('"msg":"draining"'));
  one.program.kill("SIGTERM");
  expect(await one.program.exited).toBe(1);
  expect(one.program.output()).toContain("second signal: exiting at once");
});
