import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createAddresses } from "../../client/connecting/addresses.ts";
import { createRawWsClient } from "../../client/raw-ws-client.ts";
import { createSignalingClient } from "../../client/signaling-client.ts";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type Replica, startReplica } from "../support/replica.ts";

let redis: RedisServer;
let replicas: Replica[];
let first: ProxyProgram;
let second: ProxyProgram;
beforeAll(async () => {
  redis = await startRedisServer();
  replicas = await Promise.all(["signaling-1", "signaling-2"].map((id) => startReplica(id, redis.url)));
});
afterAll(async () => {
  for (const { program } of replicas ?? []) await program[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
});
const table = () => ({
  REPLICAS: replicas.map(({ nodeId, url, adminUrl }) => `${nodeId}=${url}|${adminUrl}/readyz`).join(","),
});
const proxyOn = (port?: number) => startProxyProgram([], table(), port);
beforeEach(async () => {
  first = await proxyOn();
  second = await proxyOn();
});
afterEach(async () => {
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});

/** Connections that the replicas hold. */
async function held(): Promise<number> {
  const pages = await Promise.all(replicas.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()));
  const values = pages.flatMap((page) =>
    [...page.matchAll(/^signaling_connections\{.*\} (\d+)$/gm)].map(([, n]) => Number(n)),
  );
  return values.reduce((sum, value) => sum + value, 0);
}
const tunnels = async (proxy: ProxyProgram) =>
  (await proxy.replica("signaling-1")).tunnels + (await proxy.replica("signaling-2")).tunnels;

/** A client of either kind in a room of its own, with the peer ids of its joins. */
function enter(kind: "socket.io" | "polling" | "raw", room: string, options: { random?: () => number } = {}) {
  const urls = [first.url, second.url];
  const joins: string[] = [];
  const joined = ({ peerId }: { peerId: string }) => joins.push(peerId);
  if (kind === "raw") {
    const client = createRawWsClient({ urls, ...options });
    client.on("joined", joined);
    client.join(room);
    return { joins, close: async () => client.close() };
  }
  const client = createSignalingClient({ urls, transports: kind === "polling" ? "polling" : "websocket", ...options });
  client.on("joined", joined);
  client.join(room);
  return { joins, close: () => client.close() };
}

test.each(["socket.io", "polling", "raw"] as const)(
  "%s: goes on at the second address, as the same peer, and comes back to the first",
  async (kind) => {
    // The shortest pauses: a look at the first address every 5 s.
    const client = enter(kind, `room-${kind}`, { random: () => 0 });
    await until("it has joined", () => client.joins.length === 1);
    if (kind !== "polling") expect([await tunnels(first), await tunnels(second)]).toEqual([1, 0]);
    const { port } = first;
    await first[Symbol.asyncDispose]();
    await until("it has joined again", () => client.joins.length === 2, { withinMs: 5_000 });
    if (kind !== "polling") expect(await tunnels(second)).toBe(1);
    first = await proxyOn(port);
    await until("it is back", () => client.joins.length === 3, { withinMs: 25_000 });
    await until("there is one connection", async () => (await held()) === 1);
    // A replica counts a connection no more before the proxy has seen both its ends.
    const carried = async () => `${await tunnels(first)}, ${await tunnels(second)}`;
    if (kind !== "polling") await until("the first carries it alone", async () => (await carried()) === "1, 0");
    expect(new Set(client.joins).size).toBe(1);
    await client.close();
    await until("there is none", async () => (await held()) === 0);
  },
);

test("a first address that is dead from the start costs one attempt", async () => {
  await first[Symbol.asyncDispose]();
  for (const kind of ["socket.io", "polling", "raw"] as const) {
    const client = enter(kind, `dead-${kind}`);
    await until("it has joined", () => client.joins.length === 1, { withinMs: 2_000 });
    await client.close();
  }
});

test("one url is one address; none, or both kinds, is an error", () => {
  const options = { random: () => 0, comeBack: () => undefined };
  const only = createAddresses({ url: "https://a.example/calls/" }, options);
  only.failed();
  expect(only.current()).toEqual({ origin: "https://a.example", prefix: "/calls" });
  expect(() => createAddresses({}, options)).toThrow(TypeError);
  expect(() => createAddresses({ urls: [] }, options)).toThrow(TypeError);
  expect(() => createAddresses({ url: "https://a.example", urls: ["https://b.example"] }, options)).toThrow(TypeError);
});
