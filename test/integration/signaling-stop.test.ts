import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";

/** Every wait of a client that will never answer is 30 s or more: Engine.IO's for a poll, that of `ws` for a close frame. */
const endsWithinMs = 15_000;

/** A peer on long-polling, in a room. It polls by `pollUntil` alone, until it got that text. */
async function joinByPolling(url: string, room: string) {
  const base = `${url}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(base)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const poll = async () => (await fetch(`${base}&sid=${sid}`)).text();
  async function pollUntil(text: string): Promise<void> {
    let heard = "";
    while (!heard.includes(text)) heard += await poll();
  }
  const post = (body: string) => fetch(`${base}&sid=${sid}`, { method: "POST", body });
  await post("40/signaling,");
  await pollUntil("40/signaling,");
  await post(`42/signaling,0["join","${room}"]`);
  await pollUntil('"ok":true');
  return { pollUntil };
}

/** The network socket of a `ws` WebSocket. */
const netSocketOf = (webSocket: unknown) => (webSocket as { _socket: Socket })._socket;

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
