import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { factsOf, samplesOf } from "../e2e/browser.ts";
import { breaksOf } from "../e2e/unbroken.ts";
import { until } from "../support/poll.ts";
import { callUp, startEnclosedBrowser } from "./call.ts";
import { type ComposeStack, docker, leftOvers, startComposeStack } from "./compose-stack.ts";
import { joinApart, joinRoom, type Peer, sendNumbered } from "./peers.ts";

let stack: ComposeStack;
const peers: Peer[] = [];
beforeAll(async () => {
  stack = await startComposeStack();
});
afterEach(async ({ task }) => {
  await Promise.all(peers.splice(0).map(({ client }) => client.close()));
  // A fault left by a failed test must not fail the next one.
  if (task.result?.state === "fail") await stack.make("heal");
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

/** Two peers on different replicas, closed after the test. */
async function apart(room: string, transports: "default" | "websocket" | "polling" = "default"): Promise<[Peer, Peer]> {
  const pair = await joinApart(room, { url: stack.url("PROXY_PORT"), transports });
  peers.push(...pair);
  return pair;
}

const numbers = (to: number) => Array.from({ length: to }, (_, index) => index);
const state = (id: string, wanted: string, withinMs = 10_000) =>
  until(`the proxy has ${id} ${wanted}`, async () => (await stack.stateOf(id)) === wanted, { withinMs });
const backIn = (peer: Peer, withinMs = 5_000) =>
  until("the peer is in its room again", () => peer.client.state() === "joined" && peer.outages.length === 1, {
    withinMs,
  });

test("exactly these services run, and all are healthy", () => {
  const running = [...stack.inspect()].filter(([, { State }]) => State.Running);
  expect(running.map(([service]) => service).sort()).toEqual([
    ...["alertmanager", "board", "caller", "guard", "prometheus", "proxy", "redis", "redis-exporter"],
    ...["signaling-1", "signaling-2", "signaling-3"],
  ]);
  // The exporter's image contains only the exporter, so it has no health check.
  const unwatched = running.filter(([, { State }]) => State.Health === undefined).map(([service]) => service);
  expect(unwatched).toEqual(["redis-exporter"]);
  const healths = running.flatMap(([, { State }]) => State.Health?.Status ?? []);
  expect(new Set(healths)).toEqual(new Set(["healthy"]));
});

for (const transports of ["websocket", "polling", "default"] as const)
  test(`300 numbered offers from replica to replica arrive once and in order (${transports})`, async () => {
    const [a, b] = await apart(`across-${transports}`, transports);
    await sendNumbered(a, 0, 300);
    await until("all have arrived", () => b.got.length >= 300);
    expect(b.got).toEqual(numbers(300));
  });

test("up on a running stack changes nothing", async () => {
  const ids = () => Object.fromEntries([...stack.inspect()].map(([service, { Id }]) => [service, Id]));
  const before = ids();
  await stack.make("up");
  expect(ids()).toEqual(before);
});

test("a call in two pages survives make kill-node: media never stops, signaling moves on", async () => {
  await using browser = await startEnclosedBrowser([stack.port("PROXY_PORT")]);
  const [a, b] = await callUp(browser.browser, stack.url("PROXY_PORT"), "browser");
  const before = await factsOf(a);
  await stack.make("kill-node", `NODE=${before.node.slice(-1)}`);
  await until(
    "signaling is back on another replica",
    async () => {
      const facts = await factsOf(a);
      return facts.state === "connected" && facts.node !== before.node && facts.reconnects === 1;
    },
    { withinMs: 5_000 },
  );
  expect((await factsOf(a)).peer).toBe(before.peer);
  for (const page of [a, b]) {
    await until(
      "media was watched for 11 s",
      async () => {
        const samples = await samplesOf(page);
        return (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0) > 11_000;
      },
      { withinMs: 25_000, everyMs: 500 },
    );
    expect(breaksOf(await samplesOf(page), 11_000)).toEqual([]);
  }
  await stack.make("start-node", `NODE=${before.node.slice(-1)}`);
  await state(before.node, "ready");
});

test("a frozen replica is ejected and its peers move; it comes back", async () => {
  const [a, b] = await apart("pause");
  const node = b.client.node() ?? "";
  await stack.make("pause-node", `NODE=${node.slice(-1)}`);
  await state(node, "down");
  await backIn(b);
  expect(a.lost()).toBe(0);
  await sendNumbered(a, 0, 10);
  await until("offers arrive on the new replica", () => b.got.length === 10);
  await stack.make("resume-node", `NODE=${node.slice(-1)}`);
  await state(node, "ready");
});

test("a drain moves the peers and loses no acknowledged signal", async () => {
  const [a, b] = await apart("drain");
  const node = b.client.node() ?? "";
  const sending = sendNumbered(a, 0, 100);
  await stack.make("drain-node", `NODE=${node.slice(-1)}`);
  await sending;
  await backIn(b);
  await until("every offer arrived", () => new Set(b.got).size === 100);
  expect([...b.got].sort((x, y) => x - y)).toEqual(numbers(100));
  await stack.make("undrain-node", `NODE=${node.slice(-1)}`);
  await state(node, "ready");
});

test("a replica disconnected from the network backplane degrades, its peers move, and it heals", async () => {
  const [a, b] = await apart("partition");
  const node = b.client.node() ?? "";
  await stack.make("partition-node", `NODE=${node.slice(-1)}`);
  await state(node, "degraded");
  await until("the peer is on another replica", () => b.client.state() === "joined" && b.client.node() !== node);
  expect(a.lost()).toBe(0);
  await stack.make("heal");
  await state(node, "ready");
  // Its published port works again too.
  expect((await fetch(`${stack.url(`SIGNALING_${node.slice(-1)}_ADMIN_PORT`)}/readyz`)).status).toBe(200);
});

test("Redis is killed: no replica exits, peers on one replica reach each other, and afterwards all are connected again", async () => {
  const [a, b] = await apart("redis");
  const here = await joinRoom("redis-local", { url: stack.url("PROXY_PORT") });
  const direct = Number(here.client.node()?.slice(-1));
  const mate = await joinRoom("redis-local", { url: stack.url(`SIGNALING_${direct}_PORT`) });
  peers.push(here, mate);
  await stack.make("kill-redis");
  await until("all say that they lost the backplane", async () =>
    (await stack.replicas()).every((row) => row.state === "degraded"),
  );
  await sendNumbered(here, 0, 20);
  await until("offers on one replica arrive", () => mate.got.length === 20, { withinMs: 2_000 });
  await stack.make("start-redis");
  await until("all are ready", async () => (await stack.replicas()).every((row) => row.state === "ready"));
  await sendNumbered(a, 0, 20);
  await until("offers across arrive", () => b.got.length >= 20);
  expect(b.got).toEqual(numbers(20));
  for (const peer of [a, b, here, mate]) expect(peer.lost()).toBe(0);
  for (const id of ["signaling-1", "signaling-2", "signaling-3"]) expect(stack.inspect().get(id)?.RestartCount).toBe(0);
});

test("the restart policy starts a crashed replica again; only its peers move", async () => {
  const [a, b] = await apart("crash");
  const node = b.client.node() ?? "";
  await stack.make("crash-node", `NODE=${node.slice(-1)}`);
  await backIn(b);
  await until("Docker restarted it", () => stack.inspect().get(node)?.RestartCount === 1);
  await state(node, "ready", 15_000);
  expect(a.lost()).toBe(0);
});

test("the drill crash-node passes, and deviates without a restart policy: its negative control", async () => {
  expect(await stack.make("drill", "DRILL=crash-node", "SEED=1")).toContain("crash-node: passed");
  const ids = [...stack.inspect()].flatMap(([service, { Id }]) => (service.startsWith("signaling-") ? [Id] : []));
  docker("update", "--restart", "no", ...ids);
  try {
    await expect(stack.make("drill", "DRILL=crash-node", "SEED=1")).rejects.toThrow(
      /crash-node: deviated[\s\S]*Error 1/,
    );
  } finally {
    docker("update", "--restart", "unless-stopped", ...ids);
  }
  expect(new Set((await stack.replicas()).map((row) => row.state))).toEqual(new Set(["ready"]));
}, 300_000);

test("roll replaces the replicas one by one: never fewer than two ready, no signal lost", async () => {
  const [a, b] = await apart("roll");
  let fewest = 3;
  let over = false;
  const watching = (async () => {
    while (!over) {
      fewest = Math.min(fewest, (await stack.replicas()).filter((row) => row.state === "ready").length);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const rolling = stack.make("roll");
  let sent = 0;
  const sending = (async () => {
    while (!over) {
      await sendNumbered(a, sent, sent + 1);
      sent += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await rolling;
  over = true;
  await Promise.all([watching, sending]);
  await until("every offer arrived", () => new Set(b.got).size === sent);
  expect(fewest).toBe(2);
});

test("scale adds a fourth replica, which gets sessions and is scraped, and removes it", async () => {
  await stack.make("scale", "N=4");
  expect(await stack.stateOf("signaling-4")).toBe("ready");
  const query = `${stack.url("PROMETHEUS_PORT")}/api/v1/query?query=${encodeURIComponent('up{replica="signaling-4"}')}`;
  await until("Prometheus scrapes it", async () => (await (await fetch(query)).text()).includes(',"1"]'), {
    withinMs: 30_000,
  });
  for (let tries = 0; ; tries += 1) {
    const peer = await joinRoom("scale", { url: stack.url("PROXY_PORT") });
    peers.push(peer);
    if (peer.client.node() === "signaling-4") break;
    expect(tries).toBeLessThan(40);
  }
  await stack.make("scale", "N=3");
  expect((await stack.replicas()).map(({ id }) => id).sort()).toEqual(["signaling-1", "signaling-2", "signaling-3"]);
});

test("at the end no container was killed for its memory, and down leaves nothing", async () => {
  const containers = stack.inspect();
  expect([...containers].filter(([, one]) => one.State.OOMKilled).map(([service]) => service)).toEqual([]);
  expect(leftOvers(stack.name)).not.toEqual([]);
  await stack.make("down");
  expect(leftOvers(stack.name)).toEqual([]);
});
