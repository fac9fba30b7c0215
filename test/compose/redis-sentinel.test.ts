import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ComposeStack, docker, startComposeStack } from "./compose-stack.ts";
import { confined, confinement } from "./container-facts.ts";
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

/** What `make status` says of each Redis server: `redis-2 copy`. */
async function roles(): Promise<Record<string, string>> {
  const said = await stack.make("status", "JSON=1");
  const { services } = JSON.parse(said.slice(said.indexOf("{"))) as { services: { id: string; role?: string }[] };
  return Object.fromEntries(services.flatMap(({ id, role }) => (role === undefined ? [] : [[id, role]])));
}
async function master(): Promise<string> {
  const [id] = Object.entries(await roles()).find(([, role]) => role === "master") ?? [];
  if (id === undefined) throw new Error("no Sentinel names a master");
  return id;
}
const numberOf = (id: string) => `SERVER=${id === "redis" ? 1 : id.slice(-1)}`;
const allAre = async (wanted: string) => (await stack.replicas()).every(({ state }) => state === wanted);
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
  const noticed = until("the replicas notice", () => allAre("degraded"), { ...failover, withinMs: 60_000 });
  await Promise.all([noticed, lose(old)]);
  await until("they are ready at another server", () => allAre("ready"), failover);
  expect(await master()).not.toBe(old);
  await flow(a, b);
  expect([a.lost(), b.lost()]).toEqual([0, 0]);
  return old;
}

test("servers and Sentinels are as closed as every service, and only on the backplane", () => {
  const containers = stack.inspect();
  for (const service of [...servers, ...sentinels]) {
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
});

test("make kill-redis kills the master: the replicas follow the Sentinels to another server", async () => {
  const old = await followedAfter("killed", () => stack.make("kill-redis"));
  expect(stack.inspect().get(old)?.State.Running).toBe(false);
  for (const id of ["signaling-1", "signaling-2", "signaling-3"]) expect(stack.inspect().get(id)?.RestartCount).toBe(0);
});

test("SERVER=2 names a server: a lost copy costs nothing", async () => {
  const named = (await master()) === "redis-2" ? "redis-3" : "redis-2";
  const [a, b] = await apart("copy");
  await stack.make("kill-redis", numberOf(named));
  await until("it is gone", () => stack.inspect().get(named)?.State.Running === false);
  await flow(a, b);
  await until("the replicas are ready", () => allAre("ready"), failover);
});

test("make partition-redis takes the master off the network, and its return holds no replica", async () => {
  const old = await followedAfter("isolated", () => stack.make("partition-redis"));
  expect(stack.inspect().get(old)?.State.Running).toBe(true);
  await stack.make("heal");
  await until("the replicas are ready", () => allAre("ready"), failover);
  expect((await roles())[old]).toBe("copy");
});

test("servers and Sentinels that come back in another order, with other addresses, find each other by name", async () => {
  const ids = () => new Map([...servers, ...sentinels].map((id) => [id, stack.inspect().get(id)?.Id ?? ""]));
  const addresses = () =>
    [...servers, ...sentinels].map(
      (id) => stack.inspect().get(id)?.NetworkSettings.Networks[`${stack.name}_backplane`]?.IPAddress,
    );
  const before = addresses();
  docker("kill", ...ids().values());
  docker("start", ...[...ids().values()].reverse());
  expect(addresses()).not.toEqual(before);
  // It waits until a failover is possible.
  await stack.make("heal");
  await until("the replicas are ready", () => allAre("ready"), failover);
  const [a, b] = await apart("again");
  await flow(a, b);
});
