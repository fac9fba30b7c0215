import { afterAll, beforeAll, expect, test } from "vitest";
import { createSignalingClient, type SignalingClient } from "../../client/signaling-client.ts";
import { until } from "../support/poll.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const offers = 1_000;

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack?.[Symbol.asyncDispose]());

type Transports = "default" | "websocket" | "polling";

/** A client in the room, and all its events. */
async function enter(room: string, transports: Transports, cookies: boolean) {
  const client = createSignalingClient({ url: stack.proxy.url, transports, cookies });
  const numbers: unknown[] = [];
  const outages: number[] = [];
  let lost = 0;
  client.on("signal", ({ number }) => numbers.push(number));
  client.on("lost", () => {
    lost += 1;
  });
  client.on("joined", ({ outageMs }) => {
    if (outageMs !== null) outages.push(outageMs);
  });
  client.join(room);
  await until(`joined ${room}`, () => client.state() === "joined");
  return { client, numbers, outages, lost: () => lost };
}

/** Two clients of one room on different replicas. The second reconnects until it is on another replica. */
async function pairApart(room: string, transports: Transports, cookies: boolean) {
  const a = await enter(room, transports, cookies);
  for (let tries = 0; tries < 40; tries += 1) {
    const b = await enter(room, transports, cookies);
    if (b.client.node() !== a.client.node()) return { a, b };
    await b.client.close();
  }
  throw new Error(`forty clients in a row on ${a.client.node()}`);
}

/** The replicas' count of signals dropped on the backplane, those over a second in transit. */
async function droppedByReplicas(): Promise<string[]> {
  const pages = await Promise.all(
    stack.replicas.map(async ({ adminUrl }) => (await fetch(`${adminUrl}/metrics`)).text()),
  );
  return pages
    .flatMap((page) => page.split("\n"))
    .filter((line) => line.startsWith("signaling_backplane_dropped_total") && !line.endsWith(" 0"));
}

const ways = (["default", "websocket", "polling"] as const).flatMap((transports) =>
  [true, false].map((cookies) => ({ transports, cookies, name: `${transports}, ${cookies ? "with" : "no"} cookies` })),
);

test.for(ways)("$name: 1,000 numbered offers between two replicas arrive once, in order", async (way) => {
  const { a, b } = await pairApart(`numbers-${way.name}`, way.transports, way.cookies);
  const acks = await Promise.all(Array.from({ length: offers }, (_, number) => a.client.send("offer", { number })));
  expect(acks.filter(({ ok }) => !ok)).toEqual([]);
  await until("the last one arrived", () => b.numbers.includes(offers - 1));
  expect(await droppedByReplicas(), "signals that the backplane dropped").toEqual([]);
  expect(b.numbers).toEqual(Array.from({ length: offers }, (_, number) => number));
  expect([a.lost(), b.lost()]).toEqual([0, 0]);
  await Promise.all([a, b].map(({ client }) => client.close()));
});

test("a replica is killed: its peers are back in their rooms within 5 s, their signals sent meanwhile arrive in order, no other peer loses its socket", async () => {
  const pairs = await Promise.all(
    ways.map(({ transports, cookies, name }) => pairApart(`kill-${name}`, transports, cookies)),
  );
  const everyone = pairs.flatMap(({ a, b }) => [a, b]);
  const victim = pairs[0]?.a.client.node() ?? "";
  const [struck, spared] = [true, false].map((hit) =>
    everyone.filter(({ client }) => (client.node() === victim) === hit),
  ) as [typeof everyone, typeof everyone];
  const identities = everyone.map(({ client }) => client.peerId());

  stack.replica(victim).program.kill("SIGKILL");
  await until("the struck lost their sockets", () => struck.every(({ lost }) => lost() > 0));
  const sendings = pairs.flatMap(({ a, b }) => {
    const sender = [a, b].find((peer) => struck.includes(peer));
    if (sender === undefined) return [];
    const acks = Array.from({ length: 20 }, (_, number) => sender.client.send("offer", { number }));
    return [{ acks, receiver: sender === a ? b : a }];
  });
  await until("all are back in their rooms", () => everyone.every(backElsewhere), { withinMs: 5_000 });
  function backElsewhere({ client }: { client: SignalingClient }): boolean {
    return client.state() === "joined" && client.node() !== victim;
  }
  for (const { outages } of struck) expect(Math.max(...outages)).toBeLessThan(5_000);
  expect(spared.map(({ lost }) => lost())).toEqual(spared.map(() => 0));
  expect(everyone.map(({ client }) => client.peerId())).toEqual(identities);

  expect(sendings.length).toBeGreaterThan(0);
  for (const { acks, receiver } of sendings) {
    expect((await Promise.all(acks)).filter(({ ok }) => !ok)).toEqual([]);
    await until("all twenty arrived", () => new Set(receiver.numbers).size === 20);
    expect(receiver.numbers).toEqual(Array.from({ length: 20 }, (_, number) => number));
  }
  await Promise.all(everyone.map(({ client }) => client.close()));
});
