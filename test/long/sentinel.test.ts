import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askRedis, type SentinelStack, startSentinelStack } from "../support/backplane/redis-sentinel.ts";
import { expectNoneStale } from "../support/load/none-stale.ts";
import { type Load, quantile, startLoad } from "../support/load/signal-load.ts";
import { until } from "../support/poll.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

/** `SENTINEL_ROUNDS=5` runs a part of them. */
const rounds = Number(process.env["SENTINEL_ROUNDS"] ?? 20);
/** Signals a second, over four pairs of peers: two on one replica, two across replicas. */
const signalsPerSecond = 1_000;
const readyWithinMs = 8_000;
const heldWithinMs = 3_000;
/** A second in transit, plus the machine's time from a peer to its replica and back, ms. */
const oldestMs = 1_500;

let sentinel: SentinelStack;
let replicas: Replica[];
const peers: SocketIoPeer[] = [];

beforeAll(async () => {
  sentinel = await startSentinelStack();
  const ids = ["signaling-1", "signaling-2", "signaling-3"];
  replicas = await Promise.all(ids.map((id) => startReplica(id, "redis://127.0.0.1:1", sentinel.env)));
});
afterAll(async () => {
  for (const peer of peers) peer.close();
  await Promise.all((replicas ?? []).map(({ program }) => program[Symbol.asyncDispose]()));
  await sentinel?.[Symbol.asyncDispose]();
});

async function loadBetween(first: number, second: number): Promise<Load> {
  const room = randomUUID();
  const on = async (index: number) => {
    const peer = await connectSocketIo((replicas[index] as Replica).url);
    peers.push(peer);
    return joinRoom(peer, room);
  };
  const a = await on(first);
  const b = await on(second);
  await until("they see each other", () => a.got("peer-joined").length === 1);
  return startLoad(a, b, room, signalsPerSecond / 4, "load");
}

const states = async () =>
  Promise.all(
    replicas.map(
      async ({ adminUrl }) => ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state,
    ),
  );
const allAre = (wanted: string) => async () => (await states()).every((state) => state === wanted);
/** How many replicas listen to a server. Sentinels, which listen too, name their connections. */
async function listenersAt({ url }: RedisServer): Promise<number> {
  const clients = String(await askRedis(url, ["CLIENT", "LIST", "TYPE", "pubsub"]));
  return clients.split("\n").filter((line) => line !== "" && !line.includes(" name=sentinel-")).length;
}

interface Round {
  readyMs: number;
  heldMs: number;
}

/** Kills the master; it comes back once the replicas are ready at the next one. */
async function kill(): Promise<Round> {
  const old = await sentinel.master();
  await old.kill();
  const at = performance.now();
  await until("all are degraded", allAre("degraded"), { withinMs: 5_000 });
  await until("all are ready", allAre("ready"), { withinMs: 20_000 });
  const readyMs = performance.now() - at;
  await old.start();
  return { readyMs, heldMs: await heldFor(old) };
}

/** Freezes the master; it comes back as a master once the replicas are ready at the next one. */
async function freeze(): Promise<Round> {
  const old = await sentinel.master();
  const { child } = old.process();
  child.kill("SIGSTOP");
  const at = performance.now();
  await until("all are degraded", allAre("degraded"), { withinMs: 5_000 });
  await until("all are ready", allAre("ready"), { withinMs: 20_000 });
  const readyMs = performance.now() - at;
  child.kill("SIGCONT");
  return { readyMs, heldMs: await heldFor(old) };
}

/** How long a server that is back holds a replica, until it follows the new master, ms. */
async function heldFor(old: RedisServer): Promise<number> {
  const backAt = performance.now();
  let heldMs = 0;
  await until(
    "the old master is a copy",
    async () => {
      const info = String(await askRedis(old.url, ["INFO", "replication"]));
      if (info.includes("role:slave")) return true;
      if ((await listenersAt(old)) > 0) heldMs = performance.now() - backAt;
      return false;
    },
    { withinMs: 40_000 },
  );
  await sentinel.whole();
  return heldMs;
}

test.each([
  ["killed", kill],
  ["frozen", freeze],
] as const)(
  `the master is %s ${rounds} times under ${signalsPerSecond} signals/s: 0 exits, 0 stale, ready within ${readyWithinMs / 1000} s`,
  async (what, once) => {
    const pids = replicas.map(({ program }) => program.pid);
    const loads = [await loadBetween(0, 0), await loadBetween(1, 1), await loadBetween(0, 1), await loadBetween(2, 0)];
    const [first, second, third, fourth] = loads as [Load, Load, Load, Load];
    await until("signals flow", () => third.received().length > 250);
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push(await once());
      const flowing = third.received().length;
      await until("remote signals flow", () => third.received().length > flowing + 50);
    }
    for (const one of loads) one.stop();
    const local = [...first.latencies(), ...second.latencies()].sort((a, b) => a - b);
    const remote = [...third.latencies(), ...fourth.latencies()].sort((a, b) => a - b);
    const slowest = Math.max(...measured.map(({ readyMs }) => readyMs));
    const held = Math.max(...measured.map(({ heldMs }) => heldMs));
    process.stdout.write(
      `${rounds} times ${what}: ready after ${Math.round(slowest)} ms at most, held for ${Math.round(held)} ms at most; ` +
        `local p50 ${quantile(local, 0.5)} ms, p99 ${quantile(local, 0.99)} ms; remote: ${remote.length} of ` +
        `${third.sent() + fourth.sent()} delivered, oldest ${remote.at(-1)} ms\n`,
    );
    expect(replicas.map(({ program }) => [program.pid, program.child.exitCode])).toEqual(
      pids.map((pid) => [pid, null]),
    );
    expect(slowest).toBeLessThan(readyWithinMs);
    expect(held).toBeLessThan(heldWithinMs);
    expect(remote.filter((age) => age > oldestMs + (local.at(-1) ?? 0)).length).toBe(0);
    await expectNoneStale(replicas);
  },
  1_800_000,
);
