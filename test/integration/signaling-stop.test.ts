import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { readMetric } from "../support/metric.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startReplica } from "../support/replica.ts";
import { connectSocketIo, joinByPolling, joinRoom } from "../support/signal-peer.ts";

/** Every wait of a client that will never answer is 30 s or more: Engine.IO's for a poll, that of `ws` for a close frame. */
const endsWithinMs = 15_000;

/** The network socket of a `ws` WebSocket. */
const netSocketOf = (webSocket: unknown) => (webSocket as { _socket: Socket })._socket;

test("a superseded connection ends, though its client has gone without a word", async () => {
  await using redis = await startRedisServer();
  const replica = await startReplica("signaling-1", redis.url);
  await using _program = replica.program;
  // It never polls again.
  const polling = await joinByPolling(replica.url, "a");
  const frozen = await joinRoom(await connectSocketIo(replica.url, { reconnection: false }), "b");
  const frozenRaw = await joinRoom(await connectRaw(replica.url), "c");
  const { ws } = frozen.socket.io.engine.transport as unknown as { ws: WebSocket };
  const held = [netSocketOf(ws), netSocketOf(frozenRaw.socket)];
  for (const socket of held) socket.pause();
  const again = await Promise.all(
    [polling, frozen, frozenRaw].map(async ({ resume }, index) =>
      joinRoom(await connectSocketIo(replica.url), "abc".charAt(index), { resume }),
    ),
  );
  const connections = () => readMetric(replica, "signaling_connections");
  await until("the older ones have ended", async () => (await connections()) === 3, { withinMs: endsWithinMs });
  for (const peer of again) peer.close();
  for (const socket of held) socket.destroy();
});

for (const without of ["", " and Redis"] as const)
  test(`SIGTERM: a replica does not wait for clients${without} that have gone without a word`, async () => {
    await using redis = await startRedisServer();
    const { program, url } = await startReplica("signaling-1", redis.url);
    await using _program = program;
    // It never polls again.
    await joinByPolling(url, "a");
    // It is told of the drain and polls no more.
    const { pollUntil } = await joinByPolling(url, "b");
    const told = pollUntil('"draining"');
    const frozen = await joinRoom(await connectSocketIo(url, { reconnection: false }), "c");
    const frozenRaw = await joinRoom(await connectRaw(url), "d");
    const { ws } = frozen.socket.io.engine.transport as unknown as { ws: WebSocket };
    const held = [netSocketOf(ws), netSocketOf(frozenRaw.socket)];
    for (const socket of held) socket.pause();
    if (without !== "") {
      await redis.kill();
      await until("the backplane is down", () => program.output().includes("backplane is down"));
    }
    const signaledAt = performance.now();
    program.kill("SIGTERM");
    await told;
    expect(await program.exited).toBe(0);
    expect(performance.now() - signaledAt).toBeLessThan(endsWithinMs);
    for (const socket of held) socket.destroy();
  });
