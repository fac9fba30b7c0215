import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Variant } from "../support/backplane/backplane-server.ts";
import { createBackplaneStage } from "../support/backplane/backplane-stage.ts";
import { until } from "../support/poll.ts";
import { startReplica } from "../support/replica.ts";
import { connectSocketIo, type JoinedPeer, joinRoom } from "../support/signal-peer.ts";

const signals = 200;

/** Replicas that a roll may mix: some take relays on a channel of their own, one takes only the adapter's. */
describe.each<Variant>(["pubsub", "sharded-cluster"])("relays of replicas of two kinds on %s", (variant) => {
  const stage = createBackplaneStage(variant);
  beforeAll(stage.start);
  afterEach(stage.clear);
  afterAll(stage.end);

  test("each signal arrives once on both kinds, in its sender's order, while a replica of the other kind starts and stops", async () => {
    const { url, env } = stage.server();
    const room = randomUUID();
    const addressed = [await stage.peerOn(0, room), await stage.peerOn(1, room)] as const;
    const number = (of: JoinedPeer, from: JoinedPeer) =>
      of.got("candidate").flatMap(({ from: peerId, n }) => (peerId === from.peerId ? [n] : []));
    let sent = 0;
    const sender = addressed[0];
    await until("the sender sees the addressed one", () => sender.got("peer-joined").length === 1);
    const send = (peer: JoinedPeer) => {
      sent += 1;
      return peer.send("candidate", { roomId: room, n: sent });
    };
    for (let at = 0; at < signals; at += 1) void send(sender);
    const other = await startReplica("signaling-7", url, { ...env, RELAY: "adapter" });
    try {
      const adapter = await joinRoom(await connectSocketIo(other.url), room);
      await until("the sender sees it", () => sender.got("peer-joined").length === 2);
      const first = sent + 1;
      for (let at = 0; at < signals; at += 1) expect((await send(sender)).ok).toBe(true);
      const expected = Array.from({ length: sent }, (_, at) => at + 1);
      await until("the addressed one has all", () => number(addressed[1], sender).length === sent);
      expect(number(addressed[1], sender)).toEqual(expected);
      await until("the other has those since its join", () => number(adapter, sender).includes(sent));
      expect(number(adapter, sender).filter((n) => Number(n) >= first)).toEqual(expected.slice(first - 1));
      const before = sent + 1;
      for (let at = 0; at < signals; at += 1) expect((await send(adapter)).ok).toBe(true);
      const back = Array.from({ length: signals }, (_, at) => before + at);
      for (const peer of addressed) await until("all have those", () => number(peer, adapter).length === signals);
      for (const peer of addressed) expect(number(peer, adapter)).toEqual(back);
      adapter.close();
    } finally {
      await other.program[Symbol.asyncDispose]();
    }
  });
});
