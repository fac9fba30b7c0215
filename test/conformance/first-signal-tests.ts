import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { JoinAck, RelayAck } from "../../common/protocol.ts";
import type { BackplaneStage } from "../support/backplane/backplane-stage.ts";
import { quantile } from "../support/load/signal-load.ts";
import { until } from "../support/poll.ts";
import { connectRaw } from "../support/raw-peer.ts";
import { startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SignalPeer } from "../support/signal-peer.ts";

const gateways = ["Socket.IO", "/ws"] as const;
/** The order in which the two peers join. */
const orders = ["together", "in order", "in reverse"] as const;
/**
 * Bound of a join's ack on a quiet machine, p99, ms. On a busy machine the time of a plain round trip in the same run
 * is added.
 */
const joinP99Ms = 50;
/** The ack of a join waits for a silent replica at most this long, ms. */
const waitsMs = 300;

interface Try {
  /** Signals that were acknowledged and did not name the addressee in `away`. */
  acknowledged: number;
  delivered: number;
  doubled: number;
  joinMs: number[];
  /** Round trips without other replicas, on the same machine. */
  plainMs: number[];
}

/** Joins both peers to a new room, sends one signal each way at once after both acks, and leaves. */
async function tryOnce(pair: readonly [SignalPeer, SignalPeer], order: (typeof orders)[number]): Promise<Try> {
  const room = randomUUID();
  const joinMs: number[] = [];
  async function join(peer: SignalPeer): Promise<JoinAck> {
    const from = performance.now();
    const ack = await peer.join(room);
    joinMs.push(performance.now() - from);
    return ack;
  }
  const inOrder = order === "in reverse" ? ([pair[1], pair[0]] as const) : pair;
  const joins: JoinAck[] = [];
  if (order === "together") joins.push(...(await Promise.all(inOrder.map(join))));
  else for (const peer of inOrder) joins.push(await join(peer));
  expect(joins.map(({ ok }) => ok)).toEqual([true, true]);
  // The promise begins then, where a stall made the ack of a join come first.
  const isSettled = (peer: SignalPeer) => peer.got("settled").some(({ roomId }) => roomId === room);
  for (const [at, peer] of inOrder.entries())
    if (isUnsettled(joins[at])) await until("the join is settled", () => isSettled(peer));
  const sentAt = performance.now();
  const acks: RelayAck[] = await Promise.all(pair.map((peer) => peer.send("offer", { roomId: room })));
  const plainMs = [performance.now() - sentAt];
  const has = (peer: SignalPeer) => peer.got("offer").filter(({ roomId }) => roomId === room).length;
  const receivers = pair.toReversed().filter((_, at) => acks[at]?.ok && acks[at].away === undefined);
  const deadline = performance.now() + 1_000;
  await until("the signals are there, or lost", () => receivers.every(has) || performance.now() > deadline, {
    everyMs: 1,
  });
  const counts = receivers.map(has);
  await Promise.all(pair.map((peer) => peer.send("leave", peerRoom(peer, room))));
  for (const peer of pair) peer.events.length = 0;
  return {
    acknowledged: receivers.length,
    delivered: counts.filter((count) => count > 0).length,
    doubled: counts.filter((count) => count > 1).length,
    joinMs,
    plainMs,
  };
}

const isUnsettled = (ack: JoinAck | undefined) => ack?.ok === true && ack.settled === false;

/** `leave` takes the room id alone on Socket.IO, and as data on `/ws`. */
const peerRoom = (peer: SignalPeer, room: string): unknown => ("raw" in peer ? { roomId: room } : room);

/** A signal sent right after the join acks is never lost: the contract has no window. */
export function testFirstSignals(stage: BackplaneStage, tries: number): void {
  // With few tries the p99 is the slowest one, which depends more on the machine.
  const share = tries >= 500 ? 0.99 : 0.9;
  const pairs = gateways.flatMap((from) => gateways.map((to) => [from, to] as const));

  test.each(pairs)(
    `%s and %s: the first signal after both join acks arrives, ${tries} tries each`,
    async (from, to) => {
      const connect = async (gateway: (typeof gateways)[number], index: number): Promise<SignalPeer> =>
        gateway === "/ws" ? connectRaw(stage.replica(index).url) : stage.connect(index);
      const pair = [await connect(from, 0), await connect(to, 1)] as const;
      try {
        for (const order of orders) {
          const total: Try = { acknowledged: 0, delivered: 0, doubled: 0, joinMs: [], plainMs: [] };
          for (let at = 0; at < tries; at += 1) {
            const one = await tryOnce(pair, order);
            total.acknowledged += one.acknowledged;
            total.delivered += one.delivered;
            total.doubled += one.doubled;
            total.joinMs.push(...one.joinMs);
            total.plainMs.push(...one.plainMs);
          }
          const slowestOf = (values: number[]) =>
            quantile(
              values.toSorted((a, b) => a - b),
              share,
            );
          const joinMs = slowestOf(total.joinMs);
          const busyMs = slowestOf(total.plainMs);
          const lost = total.acknowledged - total.delivered;
          process.stdout.write(
            `${stage.variant}, ${from} and ${to}, joined ${order}: ${lost} of ${total.acknowledged} acknowledged lost, ` +
              `${total.doubled} doubled; join ack p${share * 100} ${joinMs.toFixed(1)} ms, of a signal ${busyMs.toFixed(1)} ms\n`,
          );
          const expected = { order, lost: 0, doubled: 0, acknowledged: 2 * tries };
          const { acknowledged, doubled } = total;
          expect.soft({ order, lost, doubled, acknowledged }).toEqual(expected);
          expect.soft(joinMs).toBeLessThan(joinP99Ms + busyMs);
        }
      } finally {
        for (const peer of pair) peer.close();
      }
    },
    30_000 + tries * 1_000,
  );

  test.each(["SIGKILL", "SIGSTOP"] as const)(
    "right after %s of a replica joins still work: those in its rooms wait 300 ms and get settled later",
    async (signal) => {
      const { url, env } = stage.server();
      const lost = await startReplica("signaling-8", url, env);
      const room = randomUUID();
      try {
        const stayer = await stage.peerOn(0, room);
        await joinRoom(await connectSocketIo(lost.url, { reconnection: false }), room);
        await until("they see each other", () => stayer.got("peer-joined").length === 1);
        // All are connected before: 1.5 s after the fault at the earliest the replica counts as lost.
        const [waiting, beside] = [await stage.connect(1), await stage.connect(1)];
        const others = await Promise.all(Array.from({ length: 10 }, (_, at) => stage.connect(at % 3)));
        lost.program.kill(signal);
        const elsewhere: number[] = [];
        for (const peer of others) {
          const joinedAt = performance.now();
          await peer.join(randomUUID());
          elsewhere.push(performance.now() - joinedAt);
        }
        const from = performance.now();
        const timed = async (join: Promise<JoinAck>) => ({ ack: await join, ms: performance.now() - from });
        // A join of an empty room that begins when the wait of the other one ends. What delays that one delays it too.
        const [concerned, plain] = await Promise.all([
          timed(waiting.join(room)),
          timed(delay(waitsMs).then(() => beside.join(randomUUID()))),
        ]);
        process.stdout.write(
          `${stage.variant}, after ${signal}: joins of its room ${concerned.ms.toFixed(0)} ms (${plain.ms.toFixed(0)} ms), of others ${elsewhere.map((ms) => ms.toFixed(0)).join(" ")} ms\n`,
        );
        expect(concerned.ack).toMatchObject({ ok: true, settled: false });
        expect(concerned.ms).toBeLessThan(plain.ms + joinP99Ms);
        expect(
          quantile(
            elsewhere.sort((a, b) => a - b),
            0.5,
          ),
        ).toBeLessThan(joinP99Ms);
        await until("it is settled", () => waiting.got("settled").length === 1);
        expect(waiting.got("settled")).toEqual([{ roomId: room }]);
      } finally {
        await lost.program[Symbol.asyncDispose]();
      }
    },
  );
}
