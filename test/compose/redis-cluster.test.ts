import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ComposeStack, docker, startComposeStack } from "./compose-stack.ts";
import { confined, confinement } from "./container-facts.ts";
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

/** What `make status` says of each Redis server: `redis-4 copy of redis`. */
async function roles(): Promise<Record<string, string>> {
  const said = await stack.make("status", "JSON=1");
  const { services } = JSON.parse(said.slice(said.indexOf("{"))) as { services: { id: string; role?: string }[] };
  return Object.fromEntries(services.flatMap(({ id, role }) => (role === undefined ? [] : [[id, role]])));
}
const allAre = async (wanted: string) => (await stack.replicas()).every(({ state }) => state === wanted);
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
  const containers = stack.inspect();
  for (const service of servers) {
    const container = containers.get(service);
    if (container === undefined) throw new Error(`no container of ${service}`);
    const networks = Object.keys(container.NetworkSettings.Networks);
    const published = docker("port", container.Id);
    expect({ service, networks, published, ...confinement(container) }).toEqual({
      service,
      networks: [`${stack.name}_backplane`],
      published: "",
      ...confined,
    });
  }
  expect(Object.values(await roles()).sort()).toEqual([
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
    await until("the replicas notice", () => allAre("degraded"), { ...failover, withinMs: 60_000 });
    const noticedAt = performance.now();
    await until("they are ready at the copy", () => allAre("ready"), failover);
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
  expect((await roles())["redis-4"]).toBe("primary, slots 0-5460");
  for (const primary of ["redis-2", "redis-3"]) {
    took.push(await follow(async () => docker("kill", stack.inspect().get(primary)?.Id ?? "")));
    await expectNoneDeaf();
  }
  process.stdout.write(`redis-cluster, each primary killed in turn: ready ${took.join(", ")} ms after degraded\n`);
  expect(Math.max(...took)).toBeLessThan(readyWithinMs);
  for (const id of ["signaling-1", "signaling-2", "signaling-3"]) expect(stack.inspect().get(id)?.RestartCount).toBe(0);
});

test("all six end and start with other addresses: healed within 30 s, and no channel is deaf", async () => {
  await setUpPairs("again");
  const ids = () => new Map(servers.map((id) => [id, stack.inspect().get(id)?.Id ?? ""]));
  const addresses = () =>
    servers.map((id) => stack.inspect().get(id)?.NetworkSettings.Networks[`${stack.name}_backplane`]?.IPAddress);
  const before = addresses();
  docker("kill", ...ids().values());
  const startedAt = performance.now();
  docker("start", ...[...ids().values()].reverse());
  expect(addresses()).not.toEqual(before);
  // It waits until a failover is possible.
  await stack.make("heal");
  await expectNoneDeaf();
  const healedMs = Math.round(performance.now() - startedAt);
  process.stdout.write(`redis-cluster, all six with other addresses: healed after ${healedMs} ms\n`);
  expect(healedMs).toBeLessThan(healedWithinMs);
});
