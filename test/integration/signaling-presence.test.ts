import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";
import { connectSocketIo, joinRoom, type SocketIoPeer } from "../support/signal-peer.ts";

const graceMs = 500;
const env = { AWAY_GRACE_MS: String(graceMs) };
let redis: RedisServer;
let one: Replica;
let two: Replica;
let peers: SocketIoPeer[];

beforeEach(async () => {
  peers = [];
  redis = await startRedisServer();
  one = await startReplica("signaling-1", redis.url, env);
  two = await startReplica("signaling-2", redis.url, env);
});
afterEach(async () => {
  for (const peer of peers) peer.close();
  await Promise.all([one, two].map(({ program }) => program[Symbol.asyncDispose]()));
  await redis[Symbol.asyncDispose]();
});

async function connect(replica: Replica) {
  const peer = await connectSocketIo(replica.url, { reconnection: false });
  peers.push(peer);
  return peer;
}
const join = async (replica: Replica, options = {}) => joinRoom(await connect(replica), "room", options);
const passed = (ms: number) => {
  const from = performance.now();
  return until(`${ms} ms pass`, () => performance.now() - from > ms);
};
async function members(replica: Replica): Promise<string[]> {
  const answer = await fetch(`${replica.adminUrl}/rooms/room`);
  const body = (await answer.json()) as { members: { peerId: string; node: string; away: boolean }[] };
  return body.members.map(({ peerId, node, away }) => `${peerId} ${node}${away ? " away" : ""}`).sort();
}

test("without the backplane presence is frozen: a moving peer has not left, and the replicas agree when it is back", async () => {
  const stayer = await join(one);
  const mover = await join(one);
  const other = await join(two);
  await until("all know all", () => other.peers.length === 2 && stayer.got("peer-joined").length === 2);
  await redis.kill();
  await until("both are degraded", async () => {
    const bodies = await Promise.all(
      [one, two].map(async ({ adminUrl }) => (await fetch(`${adminUrl}/readyz`)).json()),
    );
    return bodies.every((body) => (body as { state: string }).state === "degraded");
  });
  mover.close();
  await until("it is away", () => stayer.got("peer-away").length === 1);
  const moved = await join(two, { resume: mover.resume });
  expect(moved.peerId).toBe(mover.peerId);
  await passed(4 * graceMs);
  expect(stayer.got("peer-left")).toEqual([]);
  await redis.start();
  const backAt = performance.now();
  await until("both agree", async () => (await members(one)).join() === (await members(two)).join(), {
    withinMs: 5_000,
  });
  process.stdout.write(`agreed ${Math.round(performance.now() - backAt)} ms after Redis was back\n`);
  expect(await members(one)).toEqual(
    [`${stayer.peerId} signaling-1`, `${moved.peerId} signaling-2`, `${other.peerId} signaling-2`].sort(),
  );
  await until("its peer knows", () => stayer.got("peer-joined").some(({ resumed }) => resumed === true));
  await passed(2 * graceMs);
  for (const peer of [stayer, moved, other]) expect(peer.got("peer-left")).toEqual([]);
});

test("a replica restarted right after a kill knows the others at once, and its old peers are away until their grace ends", async () => {
  const stayer = await join(one);
  const lost = await join(two);
  await until("they see each other", () => stayer.got("peer-joined").length === 1);
  await two.program[Symbol.asyncDispose]();
  two = await startReplica("signaling-2", redis.url, env, [two.port, two.adminPort]);
  expect(await members(two)).toContain(`${stayer.peerId} signaling-1`);
  await until("the former peer is away", () => stayer.got("peer-away").length === 1);
  await until("and left", () => stayer.got("peer-left").length === 1);
  expect(stayer.got("peer-away")).toEqual([{ roomId: "room", peerId: lost.peerId, reason: "replica-lost" }]);
  expect(stayer.got("peer-left")).toEqual([{ roomId: "room", peerId: lost.peerId, reason: "replica-lost" }]);
});

test("a resumed replica does not call the others lost", async () => {
  const frozen = await join(two);
  const other = await join(one);
  await until("they see each other", () => frozen.got("peer-joined").length === 1);
  two.program.kill("SIGSTOP");
  await until("it is missed", () => other.got("peer-away").length === 1);
  two.program.kill("SIGCONT");
  await until("it is back", () => other.got("peer-joined").length === 1, { withinMs: 10_000 });
  expect(frozen.got("peer-away")).toEqual([]);
  expect(frozen.connected()).toBe(true);
});
