import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { allAre, expectConfined, expectNoneRestarted, redisRoles, restartElsewhere } from "./backplane-servers.ts";
import { type ComposeStack, startComposeStack } from "./compose-stack.ts";
import { joinApart, type Peer } from "./peers.ts";

const servers = ["redis", "redis-2", "redis-3"];
const sentinels = ["sentinel-1", "sentinel-2", "sentinel-3"];
/** With `down-after` 2 s a failover takes up to 8 s; the rest is for a machine that stands still, ms. */
const failover = { withinMs: 20_000, everyMs: 100 };

let stack: ComposeStack;
const peers: Peer[] = [];
beforeAll(async () => {
  stack = await startComposeStack({ env: { REDIS: "sentinel", PROFILE: "minimal" } });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map(({ client }) => client.close()));
  await stack.make("heal");
});
afterAll(() => stack?.[Symbol.asyncDispose]());

async function master(): Promise<string> {
  const [id] = Object.entries(await redisRoles(stack)).find(([, role]) => role === "master") ?? [];
  if (id === undefined) throw new Error("no Sentinel names a master");
  return id;
}
const numberOf = (id: string) => `SERVER=${id === "redis" ? 1 : id.slice(-1)}`;
async function apart(room: string): Promise<[Peer, Peer]> {
  const pair = await joinApart(room, { url: stack.url("PROXY_PORT"), transports: "websocket" });
  peers.push(...pair);
  return pair;
}

/** Sends until twenty offers have arrived. A single one may be refused, or be too old when it arrives. */
async function flow({ client }: Peer, { got }: Peer): Promise<void> {
  const already = got.length;
  await until(
    "offers arrive across replicas",
    async () => {
      await client.send("offer", { number: got.length });
      return got.length >= already + 20;
    },
    failover,
  );
}

/** Loses the master. The replicas are degraded, then ready at another; signals go on, on the same sockets. */
async function followedAfter(room: string, lose: (old: string) => Promise<unknown>): Promise<string> {
  const [a, b] = await apart(room);
  const old = await master();
  // make takes as long as the replicas are degraded.
  const noticed = until("the replicas notice", () => allAre(stack, "degraded"), { ...failover, withinMs: 60_000 });
  await Promise.all([noticed, lose(old)]);
  await until("they are ready at another server", () => allAre(stack, "ready"), failover);
  expect(await master()).not.toBe(old);
  await flow(a, b);
  expect([a.lost(), b.lost()]).toEqual([0, 0]);
  return old;
}

test("servers and Sentinels are as closed as every service, and only on the backplane", () => {
  expectConfined(stack, [...servers, ...sentinels]);
});

test("make kill-redis kills the master: the replicas follow the Sentinels to another server", async () => {
  const old = await followedAfter("killed", () => stack.make("kill-redis"));
  expect(stack.inspect().get(old)?.State.Running).toBe(false);
  expectNoneRestarted(stack);
});

test("SERVER=2 names a server: a lost copy costs nothing", async () => {
  const named = (await master()) === "redis-2" ? "redis-3" : "redis-2";
  const [a, b] = await apart("copy");
  await stack.make("kill-redis", numberOf(named));
  await until("it is gone", () => stack.inspect().get(named)?.State.Running === false);
  await flow(a, b);
  await until("the replicas are ready", () => allAre(stack, "ready"), failover);
});

test("make partition-redis takes the master off the network, and its return holds no replica", async () => {
  const old = await followedAfter("isolated", () => stack.make("partition-redis"));
  expect(stack.inspect().get(old)?.State.Running).toBe(true);
  await stack.make("heal");
  await until("the replicas are ready", () => allAre(stack, "ready"), failover);
  expect((await redisRoles(stack))[old]).toBe("copy");
});

test("servers and Sentinels that come back in another order, with other addresses, find each other by name", async () => {
  restartElsewhere(stack, [...servers, ...sentinels]);
  // It waits until a failover is possible.
  await stack.make("heal");
  await until("the replicas are ready", () => allAre(stack, "ready"), failover);
  const [a, b] = await apart("again");
  await flow(a, b);
});
