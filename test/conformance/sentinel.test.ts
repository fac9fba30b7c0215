import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RelayAck } from "../../common/protocol.ts";
import { askRedis, type SentinelStack, startSentinelStack } from "../support/backplane/redis-sentinel.ts";
import { until } from "../support/poll.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

let sentinel: SentinelStack;
let replicas: Replica[];
let a: SocketIoPeer;
let b: SocketIoPeer;
const room = randomUUID();

beforeAll(async () => {
  sentinel = await startSentinelStack();
  // Nobody listens at REDIS_URL.
  const start = (nodeId: string) => startReplica(nodeId, "redis://127.0.0.1:1", sentinel.env);
  replicas = [await start("signaling-1"), await start("signaling-2")];
  [a, b] = (await Promise.all(replicas.map(({ url }) => connectSocketIo(url)))) as [SocketIoPeer, SocketIoPeer];
  for (const peer of [a, b]) await joinRoom(peer, room);
});
afterAll(async () => {
  for (const peer of [a, b]) peer?.close();
  await Promise.all((replicas ?? []).map(({ program }) => program[Symbol.asyncDispose]()));
  await sentinel?.[Symbol.asyncDispose]();
});

const times = Number(process.env["SENTINEL_ROUNDS"] ?? 3);
const rounds = Array.from({ length: times }, (_, n) => n + 1);

/** Sends one after the other until `isOver`; the acknowledged numbers, and when the last refusal came. */
async function sendUntil(isOver: () => Promise<boolean>) {
  const acknowledged: number[] = [];
  let refusedAt = 0;
  let n = 0;
  await until(
    "it is over",
    async () => {
      n += 1;
      const ack = (await a.send("offer", { roomId: room, n })) as RelayAck;
      if (ack.ok) acknowledged.push(n);
      else refusedAt = performance.now();
      return isOver();
    },
    { withinMs: 20_000, everyMs: 20 },
  );
  return { acknowledged, refusedAt };
}

const areReady = async (which = replicas) => {
  const states = await Promise.all(
    which.map(async ({ adminUrl }) => ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state),
  );
  return states.every((state) => state === "ready");
};

test.each(rounds)("round %d: the master is killed: both replicas find the new one within 8 s", async () => {
  const old = await sentinel.master();
  await old.kill();
  const killedAt = performance.now();
  let degraded = false;
  await sendUntil(async () => {
    const ready = await areReady();
    degraded ||= !ready;
    return degraded && ready;
  });
  expect(performance.now() - killedAt).toBeLessThan(8_000);
  // Two Sentinels are enough for the replicas. The one that is asked here may learn it last.
  await until("the Sentinels name another one", async () => (await sentinel.master()) !== old);
  const before = b.got("offer").length;
  expect(await a.send("offer", { roomId: room })).toEqual({ ok: true });
  await until("it goes on", () => b.got("offer").length > before);
  await old.start();
  await sentinel.whole();
});

test.each(rounds)(
  "round %d: the master is frozen, and comes back as a master: it holds no replica for over 3 s",
  async () => {
    const old = await sentinel.master();
    old.process().child.kill("SIGSTOP");
    const frozenAt = performance.now();
    let degraded = false;
    await sendUntil(async () => {
      const ready = await areReady();
      degraded ||= !ready;
      return degraded && ready;
    });
    expect(performance.now() - frozenAt).toBeLessThan(8_000);
    old.process().child.kill("SIGCONT");
    const backAt = performance.now();
    const before = b.got("offer").length;
    const { acknowledged } = await sendUntil(async () => performance.now() - backAt > 5_000);
    await until("what was acknowledged is there", () => b.got("offer").length >= before + acknowledged.length);
    expect(await areReady()).toBe(true);
    await sentinel.whole();
  },
);

test("no Sentinel answers and the master becomes a copy: degraded within 3 s; control: not without the role check", async () => {
  for (const { url } of sentinel.servers)
    await askRedis(url, ["ACL", "SETUSER", "mute", "on", ">secret", "~*", "&*", "+@all", "-info"]);
  // Their secret keeps the messages of the two groups apart.
  const env = {
    REDIS_USERNAME: "mute",
    REDIS_PASSWORD: "secret",
    BACKPLANE_SECRET: "the secret of those without a check",
  };
  const start = (nodeId: string) => startReplica(nodeId, "redis://127.0.0.1:1", { ...sentinel.env, ...env });
  const unchecked = await Promise.all([start("signaling-3"), start("signaling-4")]);
  const uncheckedPeers = await Promise.all(unchecked.map(({ url }) => connectSocketIo(url)));
  const [c] = uncheckedPeers as [SocketIoPeer];
  for (const peer of uncheckedPeers) await joinRoom(peer, room);
  await until("all are ready", () => areReady([...replicas, ...unchecked]));
  const { url } = await sentinel.master();
  try {
    sentinel.freezeSentinels(true);
    await askRedis(url, ["REPLICAOF", "127.0.0.1", "1"]);
    const changedAt = performance.now();
    let lastOk = 0;
    let lastUnchecked = 0;
    await until("five seconds are over", async () => {
      const [ack, other] = await Promise.all([a.send("offer", { roomId: room }), c.send("offer", { roomId: room })]);
      const ms = performance.now() - changedAt;
      if (ack.ok) lastOk = ms;
      if (other.ok) lastUnchecked = ms;
      return ms > 5_000;
    });
    expect(lastOk).toBeLessThan(3_000);
    expect(lastUnchecked).toBeGreaterThan(3_000);
    expect([await areReady(), await areReady(unchecked)]).toEqual([false, true]);
  } finally {
    await askRedis(url, ["REPLICAOF", "NO", "ONE"]);
    sentinel.freezeSentinels(false);
    for (const peer of uncheckedPeers) peer.close();
    await Promise.all(unchecked.map(({ program }) => program[Symbol.asyncDispose]()));
  }
  await until("they are ready again", areReady, { withinMs: 20_000 });
});
