import { expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";

test("an overloaded replica refuses new peers and accepts resuming ones, until it recovers", async () => {
  await using redis = await startRedisServer();
  const replica = await startReplica("signaling-1", redis.url, {
    OVERLOAD_LAG_MS: "5",
    EVENT_BURST: "1000000",
    EVENTS_PER_SECOND: "1000000",
    CLIENT_EVENT_BURST: "1000000",
    CLIENT_EVENTS_PER_SECOND: "1000000",
  });
  await using _replica = replica.program;
  const standing = await joinRoom(await connectSocketIo(replica.url), "call");
  const flooders = await Promise.all(Array.from({ length: 4 }, () => connectRaw(replica.url)));
  const frame = JSON.stringify({ event: "candidate", data: { roomId: "nowhere", filler: "x".repeat(50_000) } });
  const flooding = setInterval(() => {
    for (const { raw, socket } of flooders)
      for (let at = 0; at < 50 && socket.bufferedAmount < 4_000_000; at += 1) raw(frame);
  }, 5);
  try {
    let refused: unknown;
    await until(
      "a new peer is refused",
      async () => {
        const late = await connectSocketIo(replica.url);
        const ack = await late.join("call");
        late.close();
        refused = ack;
        return !ack.ok;
      },
      { withinMs: 30_000 },
    );
    expect(refused).toMatchObject({ ok: false, error: { code: "overloaded", retryAfterMs: 1_000 } });
    const back = await connectSocketIo(replica.url);
    expect(await back.join("call", { resume: standing.resume })).toMatchObject({ ok: true, peerId: standing.peerId });
    back.close();
  } finally {
    clearInterval(flooding);
    for (const { socket } of flooders) socket.terminate();
  }
  const calm = await connectSocketIo(replica.url);
  await until("a new peer is let in again", async () => (await calm.join("call")).ok, { withinMs: 10_000 });
  calm.close();
  standing.close();
});
