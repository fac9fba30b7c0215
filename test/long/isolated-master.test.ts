import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { RelayAck } from "../../common/protocol.ts";
import { askRedis, type SentinelStack, startSentinelStack, type Way } from "../support/backplane/redis-sentinel.ts";
import { until } from "../support/poll.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

let sentinel: SentinelStack;
const ways: Way[] = [];
const replicas: Replica[] = [];
const peers: SocketIoPeer[] = [];

beforeAll(async () => {
  sentinel = await startSentinelStack({ isolable: true });
  for (const id of ["signaling-1", "signaling-2", "signaling-3"]) {
    const way = await sentinel.way();
    ways.push(way);
    // Nobody listens at REDIS_URL.
    replicas.push(await startReplica(id, "redis://127.0.0.1:1", way.env));
  }
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  for (const way of ways) way.mend();
  sentinel.rejoin();
  await sentinel.whole();
  await until("all are ready", async () => (await states()).every((state) => state === "ready"), { withinMs: 20_000 });
});
afterAll(async () => {
  await Promise.all(replicas.map(({ program }) => program[Symbol.asyncDispose]()));
  for (const way of ways) way[Symbol.dispose]();
  await sentinel?.[Symbol.asyncDispose]();
});

const states = () =>
  Promise.all(
    replicas.map(
      async ({ adminUrl }) => ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state,
    ),
  );
const listenersAt = async ({ url }: RedisServer) =>
  String(await askRedis(url, ["CLIENT", "LIST", "TYPE", "pubsub"]))
    .split("\n")
    .filter((line) => line !== "" && !line.includes(" name=sentinel-")).length;

async function peerOn(index: number, room: string) {
  const peer = await connectSocketIo((replicas[index] as Replica).url);
  peers.push(peer);
  return joinRoom(peer, room);
}
/** Peers of one room, one on each replica, that know each other. */
async function peersOfAll() {
  const room = randomUUID();
  const members = [await peerOn(0, room), await peerOn(1, room), await peerOn(2, room)] as const;
  await until("they know each other", () => members[0].got("peer-joined").length === 2);
  return { room, members };
}

/** One signal a replica, each 20 ms, until `isOver`. */
async function sendUntil(
  { room, members }: Awaited<ReturnType<typeof peersOfAll>>,
  isOver: () => Promise<boolean>,
  withinMs: number,
) {
  /** Acknowledged signals: when they were sent, by whom, and the peers that the ack names as away. */
  const acknowledged: { mark: string; from: number; at: number; away: readonly string[] }[] = [];
  const send = async (from: number) => {
    const mark = randomUUID();
    const at = performance.now();
    const ack = (await members[from as 0].send("offer", { roomId: room, mark })) as RelayAck;
    if (ack.ok) acknowledged.push({ mark, from, at, away: ack.away ?? [] });
  };
  await until(
    "it is over",
    async () => {
      await Promise.all([send(0), send(1), send(2)]);
      return isOver();
    },
    { withinMs, everyMs: 20 },
  );
  return acknowledged;
}

/** The acknowledged signals that did not reach a peer which their ack does not name as away. */
function lostOf(
  { members }: Awaited<ReturnType<typeof peersOfAll>>,
  acknowledged: Awaited<ReturnType<typeof sendUntil>>,
) {
  const marks = members.map((peer) => new Set(peer.got("offer").map(({ mark }) => mark)));
  return acknowledged.filter(({ mark, from, away }) =>
    members.some((peer, index) => index !== from && !away.includes(peer.peerId) && !marks[index]?.has(mark)),
  );
}
/** Signals that replicas dropped because a machine that stood still held them for over a second. */
async function staleSoFar(): Promise<number> {
  const texts = await Promise.all(replicas.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()));
  return texts.reduce((sum, text) => sum + Number(/dropped_total\{[^}]*"stale"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0), 0);
}

/** An `ok` may be wrong for this time after a fault, ms. */
const lostWithinMs = 3_000;
/**
 * Isolates the master under signals of all replicas, until five seconds after `isOver`. The replicas say that they leave
 * it, so signals are lost with an `ok` only where no word passes, and for 3 s at most.
 *
 * @param cut cuts the ways of replicas to the servers
 * @returns the old master, and how long after the choice it was over, ms; lost signals, ms from the isolation on
 */
async function isolateUntil(
  what: string,
  isOver: (old: RedisServer) => Promise<boolean>,
  cut: (old: RedisServer) => void = () => undefined,
): Promise<{ old: RedisServer; overMs: number; lost: readonly number[] }> {
  const group = await peersOfAll();
  const old = await sentinel.master();
  const staleBefore = await staleSoFar();
  sentinel.isolate(old);
  cut(old);
  const isolatedAt = performance.now();
  let chosenAt = Number.POSITIVE_INFINITY;
  let overAt = Number.POSITIVE_INFINITY;
  const acknowledged = await sendUntil(
    group,
    async () => {
      const now = performance.now();
      if (chosenAt > now && (await sentinel.master()) !== old) chosenAt = performance.now();
      if (overAt > now && chosenAt < now && (await isOver(old))) overAt = performance.now();
      return now - Math.max(overAt, chosenAt) > 5_000;
    },
    40_000,
  );
  // What was sent last is still on its way.
  const settled = acknowledged.filter(({ at }) => at < performance.now() - 1_000);
  const lost = lostOf(group, settled).map(({ at }) => Math.round(at - isolatedAt));
  const when = lost.length === 0 ? "" : `, sent ${Math.min(...lost)} to ${Math.max(...lost)} ms after the isolation`;
  process.stdout.write(
    `isolated master, ${what}: chosen after ${Math.round(chosenAt - isolatedAt)} ms, over ` +
      `${Math.round(overAt - chosenAt)} ms later; ${lost.length} of ${settled.length} acknowledged signals lost${when}\n`,
  );
  const stale = (await staleSoFar()) - staleBefore;
  expect(lost.filter((ms) => ms > lostWithinMs).length).toBeLessThanOrEqual(stale);
  return { old, overMs: overAt - chosenAt, lost: lost.slice(stale) };
}

test("the master is isolated and all replicas still reach it: it holds none for over 3 s", async () => {
  const { overMs, lost } = await isolateUntil("within reach", async (old) => (await listenersAt(old)) === 0);
  expect(overMs).toBeLessThan(3_000);
  expect(lost).toEqual([]);
  expect(await states()).toEqual(["ready", "ready", "ready"]);
});

test.each([
  ["the others still reach it, and say that they leave", true],
  ["the others are cut from it, and cannot say so", false],
])("a replica is cut off together with the isolated master, %s: it is degraded within 3 s", async (what, reached) => {
  const { old, overMs, lost } = await isolateUntil(
    what,
    async () => (await states())[0] === "degraded",
    (isolated) => {
      ways[0]?.cutExcept(isolated);
      if (!reached) for (const way of ways.slice(1)) way.cutFrom(isolated);
    },
  );
  expect(overMs).toBeLessThan(3_000);
  if (reached) expect(lost).toEqual([]);
  expect(await states()).toEqual(["degraded", "ready", "ready"]);
  for (const way of ways) way.mend();
  await until("the replica is back", async () => (await states())[0] === "ready", { withinMs: 20_000 });
  expect(await listenersAt(old)).toBe(0);
});
