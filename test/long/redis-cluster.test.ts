import { afterAll, beforeAll, expect, test } from "vitest";
import { hashSlot } from "../../services/signaling/backplane/redis/hash-slot.ts";
import { closePairs, expectNoneDeaf, joinPairs, type Pair } from "../support/backplane/pairs.ts";
import { command, type RedisCluster, startRedisCluster } from "../support/backplane/redis-cluster.ts";
import { until } from "../support/poll.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

const readyWithinMs = 8_000;
const healedWithinMs = 30_000;
const ids = ["signaling-1", "signaling-2", "signaling-3"];

let cluster: RedisCluster;
let replicas: Replica[];
/** Pairs of peers on different replicas: as many rooms, so that each primary has channels of some. */
const pairs: Pair[] = [];

beforeAll(async () => {
  cluster = await startRedisCluster({ copied: true, nodeTimeoutMs: 2_000 });
  await followed();
  const urls = (await cluster.name()).join(",");
  replicas = await Promise.all(ids.map((id) => startReplica(id, urls, { BACKPLANE: "sharded" })));
  pairs.push(
    ...(await joinPairs(
      replicas.map(({ url }) => url),
      12,
    )),
  );
});
afterAll(async () => {
  closePairs(pairs);
  await Promise.all((replicas ?? []).map(({ program }) => program[Symbol.asyncDispose]()));
  await cluster?.[Symbol.asyncDispose]();
});

const states = () =>
  Promise.all(
    replicas.map(
      async ({ adminUrl }) => ((await (await fetch(`${adminUrl}/readyz`)).json()) as { state: string }).state,
    ),
  );
const allAre = (wanted: string) => async () => (await states()).every((state) => state === wanted);

/** Resolves when every primary has a copy that follows it, so that a failover is possible. */
async function followed(): Promise<void> {
  await cluster.whole();
  await until(
    "every primary has a copy",
    async () => {
      const infos = await Promise.all(cluster.nodes.map((node) => command(node, ["INFO", "replication"])));
      const primaries = infos.filter((info) => info.includes("role:master"));
      return primaries.length === 3 && primaries.every((info) => /slave0:.*state=online/.test(info));
    },
    { withinMs: 30_000 },
  );
}
const isPrimary = async (node: RedisServer) => (await command(node, ["INFO", "replication"])).includes("role:master");

test("each primary is killed in turn: ready at its copy within 8 s, and no channel is deaf", async () => {
  const took: number[] = [];
  for (const primary of cluster.primaries) {
    expect(await isPrimary(primary)).toBe(true);
    await primary.kill();
    const killedAt = performance.now();
    await until("the replicas notice", allAre("degraded"), { withinMs: 5_000 });
    await until("they are ready", allAre("ready"), { withinMs: 20_000 });
    took.push(Math.round(performance.now() - killedAt));
    await expectNoneDeaf(pairs);
    await primary.start();
    await followed();
  }
  process.stdout.write(`Redis Cluster, each primary killed in turn: ready after ${took.join(", ")} ms\n`);
  expect(Math.max(...took)).toBeLessThan(readyWithinMs);
  for (const { program } of replicas) expect(program.child.exitCode).toBeNull();
});

test("a slot with subscribers moves to another primary: ready within 8 s, and no channel is deaf", async () => {
  const slot = String(hashSlot("hold-the-line:replica:signaling-2"));
  const primaries: { node: RedisServer; id: string; owns: boolean }[] = [];
  for (const node of cluster.nodes) {
    if (!(await isPrimary(node))) continue;
    const own = (await command(node, ["CLUSTER", "NODES"])).split("\n").find((line) => line.includes("myself")) ?? "";
    const owns = own
      .split(" ")
      .slice(8)
      .some((range) => {
        const [from, to = from] = range.split("-");
        return Number(from) <= Number(slot) && Number(slot) <= Number(to);
      });
    primaries.push({ node, id: own.split(" ")[0] ?? "", owns });
  }
  const from = primaries.find(({ owns }) => owns);
  const to = primaries.find(({ owns }) => !owns);
  if (from === undefined || to === undefined) throw new Error(`no primary has slot ${slot}`);
  await command(to.node, ["CLUSTER", "SETSLOT", slot, "IMPORTING", from.id]);
  await command(from.node, ["CLUSTER", "SETSLOT", slot, "MIGRATING", to.id]);
  for (const { node } of [to, from]) await command(node, ["CLUSTER", "SETSLOT", slot, "NODE", to.id]);
  const movedAt = performance.now();
  await expectNoneDeaf(pairs);
  await until("they are ready", allAre("ready"), { withinMs: 20_000 });
  const readyMs = Math.round(performance.now() - movedAt);
  process.stdout.write(`Redis Cluster, a slot with subscribers moved: all reached after ${readyMs} ms\n`);
  expect(readyMs).toBeLessThan(readyWithinMs);
});

const restarts = {
  "at their addresses": async () => {
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
  },
  "at other addresses": () => cluster.restartElsewhere(),
  "at other addresses once more": () => cluster.restartElsewhere(),
};
test.each(Object.entries(restarts))(
  "all six servers are killed and started %s: healed within 30 s",
  async (where, restart) => {
    await until("they are ready", allAre("ready"), { withinMs: 20_000 });
    const killedAt = performance.now();
    await restart();
    await until(
      "they are ready again, and none is deaf",
      async () => {
        if (!(await allAre("ready")())) return false;
        await expectNoneDeaf(pairs);
        return true;
      },
      { withinMs: 40_000 },
    );
    const reachedMs = Math.round(performance.now() - killedAt);
    await cluster.whole();
    const healedMs = Math.round(performance.now() - killedAt);
    process.stdout.write(
      `Redis Cluster, all six restarted ${where}: all reached after ${reachedMs} ms, whole after ${healedMs} ms\n`,
    );
    expect(healedMs).toBeLessThan(healedWithinMs);
  },
);

test("negative control: servers at other addresses that do not meet anew leave the replicas without a backplane", async () => {
  await cluster.restartElsewhere({ meets: false });
  await until("the replicas notice", allAre("degraded"), { withinMs: 5_000 });
  const startedAt = performance.now();
  await until("the time to heal is over", () => performance.now() - startedAt > healedWithinMs, { withinMs: 40_000 });
  expect(new Set(await states())).toEqual(new Set(["degraded"]));
});
