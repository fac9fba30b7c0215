import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { allAre, expectConfined, expectNoneRestarted, redisRoles, restartElsewhere } from "./backplane-servers.ts";
import { type ComposeStack, docker, startComposeStack } from "./compose-stack.ts";
import { joinApart, type Peer } from "./peers.ts";

const servers = ["redis", "redis-2", "redis-3", "redis-4", "redis-5", "redis-6"];
/** With `cluster-node-timeout` 2 s a failover takes up to 8 s; the rest is for a machine that stands still, ms. */
const failover = { withinMs: 20_000, everyMs: 100 };
const readyWithinMs = 8_000;
const healedWithinMs = 30_000;

let stack: ComposeStack;
const pairs: [Peer, Peer][] = [];
beforeAll(async () => {
  stack = await startComposeStack({ env: { REDIS: "cluster", PROFILE: "minimal" } });
  await stack.make("heal");
});
afterEach(async () => {
  await Promise.all(pairs.splice(0).flatMap((pair) => pair.map(({ client }) => client.close())));
  await stack.make("heal");
});
afterAll(() => stack?.[Symbol.asyncDispose]());

/** Pairs of peers on different replicas, in as many rooms that each primary has channels of some. */
async function setUpPairs(room: string): Promise<void> {
  for (let n = 0; n < 6; n += 1)
    pairs.push(await joinApart(`${room}-${n}`, { url: stack.url("PROXY_PORT"), transports: "websocket" }));
}

/** In each room offers reach the other peer, on the same sockets. A single one may be refused. */
async function expectNoneDeaf(): Promise<void> {
  for (const [a, b] of pairs) {
    const already = b.got.length;
    await until(
      "offers arrive across replicas",
      async () => {
        await a.client.send("offer", { number: b.got.length });
        return b.got.length >= already + 3;
      },
      failover,
    );
    expect([a.lost(), b.lost()]).toEqual([0, 0]);
  }
}

test("the servers are as closed as every service, and only on the backplane", async () => {
  expectConfined(stack, servers);
  expect(Object.values(await redisRoles(stack)).sort()).toEqual([
    "copy of redis",
    "copy of redis-2",
    "copy of redis-3",
    "primary, slots 0-5460",
    "primary, slots 10922-16383",
    "primary, slots 5461-10921",
  ]);
});

/** Loses a primary. The replicas are degraded, then ready at its copy. Resolves with the time from one to the other, ms. */
async function follow(lose: () => Promise<unknown>): Promise<number> {
  async function watch(): Promise<number> {
    // make takes as long as the replicas are degraded.
    await until("the replicas notice", () => allAre(stack, "degraded"), { ...failover, withinMs: 60_000 });
    const noticedAt = performance.now();
    await until("they are ready at the copy", () => allAre(stack, "ready"), failover);
    return Math.round(performance.now() - noticedAt);
  }
  const [tookMs] = await Promise.all([watch(), lose()]);
  return tookMs;
}

test("each primary is killed in turn: the replicas are ready at its copy, and no channel is deaf", async () => {
  await setUpPairs("killed");
  const took = [await follow(() => stack.make("kill-redis"))];
  await expectNoneDeaf();
  expect(stack.inspect().get("redis")?.State.Running).toBe(false);
  expect((await redisRoles(stack))["redis-4"]).toBe("primary, slots 0-5460");
  for (const primary of ["redis-2", "redis-3"]) {
    took.push(await follow(async () => docker("kill", stack.inspect().get(primary)?.Id ?? "")));
    await expectNoneDeaf();
  }
  process.stdout.write(`redis-cluster, each primary killed in turn: ready ${took.join(", ")} ms after degraded\n`);
  expect(Math.max(...took)).toBeLessThan(readyWithinMs);
  expectNoneRestarted(stack);
});

test("all six end and start with other addresses: healed within 30 s, and no channel is deaf", async () => {
  await setUpPairs("again");
  const endedAt = performance.now();
  restartElsewhere(stack, servers);
  // It waits until a failover is possible.
  await stack.make("heal");
  await expectNoneDeaf();
  const healedMs = Math.round(performance.now() - endedAt);
  process.stdout.write(`redis-cluster, all six with other addresses: healed after ${healedMs} ms\n`);
  expect(healedMs).toBeLessThan(healedWithinMs);
});
