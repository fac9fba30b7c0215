import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { BackplaneStage } from "../support/backplane/backplane-stage.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { type JoinedPeer, joinRoom } from "../support/signal-peer.ts";

/** Delivery and presence without faults. */
export function testDelivery(stage: BackplaneStage): void {
  const { replica, peerOn, pair, connect } = stage;

  test("a signal reaches the room on every replica, once, and no other room", async () => {
    const room = randomUUID();
    const sender = await peerOn(0, room);
    const others = await Promise.all([0, 1, 2].map((index) => peerOn(index, room)));
    const stranger = await peerOn(1, randomUUID());
    await until("the sender sees all", () => sender.got("peer-joined").length === 3);
    expect(await sender.send("offer", { roomId: room, n: 1 })).toEqual({ ok: true });
    await until("all have it", () => others.every((peer) => peer.got("offer").length > 0));
    const target = others[2] as (typeof others)[number];
    expect(await sender.send("offer", { roomId: room, n: 2, to: target.peerId })).toEqual({ ok: true });
    await until("the addressee has it", () => target.got("offer").length === 2);
    expect(await sender.send("offer", { roomId: room, n: 3 })).toEqual({ ok: true });
    await until("all have the last one", () => others.every((peer) => peer.got("offer").some(({ n }) => n === 3)));
    expect(others.map((peer) => peer.got("offer").map(({ n }) => n))).toEqual([
      [1, 3],
      [1, 3],
      [1, 2, 3],
    ]);
    expect(sender.got("offer")).toEqual([]);
    expect(stranger.got("offer")).toEqual([]);
  });

  test("binary parts arrive unchanged", async () => {
    const { room, a, b } = await pair(0, 1);
    const bytes = Buffer.from([0, 255, 123, 10, 13]);
    expect(await a.send("candidate", { roomId: room, candidate: { bytes } })).toEqual({ ok: true });
    await until("it is there", () => b.got("candidate").length === 1);
    expect(b.got("candidate")).toMatchObject([{ candidate: { bytes } }]);
  });

  test("rooms with names like a socket id, a number or a channel work", async () => {
    for (const room of ["x".repeat(18), "y".repeat(20), "12345", "a#b#", "*", "é".repeat(10)]) {
      const [a, b] = [await peerOn(0, room), await peerOn(1, room)];
      await until("they see each other", () => a.got("peer-joined").length === 1);
      await a.send("offer", { roomId: room });
      await until(`the offer to ${room} is there`, () => b.got("offer").length === 1);
    }
  });

  test("peers of both gateways on different replicas call each other", async () => {
    const room = randomUUID();
    const rawPeers = await Promise.all(
      [0, 1].map(async (index) => joinRoom(await connectRaw(replica(index).url), room)),
    );
    const all: JoinedPeer[] = [...rawPeers, await peerOn(1, room), await peerOn(2, room)];
    try {
      for (const [index, peer] of all.entries()) {
        await until("it knows all", async () => {
          const body = await (await fetch(`${replica([0, 1, 1, 2][index] ?? 0).adminUrl}/rooms/${room}`)).json();
          return (body as { members: unknown[] }).members.length === all.length;
        });
        expect(await peer.send("offer", { roomId: room, n: index })).toEqual({ ok: true });
      }
      const expected = (index: number) => [0, 1, 2, 3].filter((n) => n !== index);
      await until("each has those of all others, once", () =>
        all.every(
          (peer, index) =>
            JSON.stringify(
              peer
                .got("offer")
                .map(({ n }) => n)
                .sort(),
            ) === JSON.stringify(expected(index)),
        ),
      );
    } finally {
      for (const peer of rawPeers) peer.close();
    }
  });

  test("presence is announced on every replica: joined, away, resumed, left", async () => {
    const { room, a, b } = await pair(0, 1);
    // Where sessions are recovered, its own return would compete with the other connection for the peer.
    b.socket.io.reconnection(false);
    b.socket.io.engine.close();
    await until("b is away", () => a.got("peer-away").length === 1);
    const back = await connect(2);
    await joinRoom(back, room, { resume: b.resume });
    await until("b is back", () => a.got("peer-joined").some(({ resumed }) => resumed === true));
    expect(a.got("peer-joined").at(-1)).toEqual({
      roomId: room,
      peerId: b.peerId,
      node: "signaling-3",
      resumed: true,
    });
    await back.socket.emitWithAck("leave", room);
    await until("b has left", () => a.got("peer-left").length === 1);
    expect(a.got("peer-left")).toEqual([{ roomId: room, peerId: b.peerId, reason: "left" }]);
  });
}
