import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Snapshot } from "../../services/board/snapshot.ts";
import { until } from "../support/poll.ts";
import { allAre, expectConfined, expectNoneRestarted, restartElsewhere } from "./backplane-servers.ts";
import { type ComposeStack, docker, startComposeStack } from "./compose-stack.ts";
import { joinApart, type Peer } from "./peers.ts";

const servers = ["nats", "nats-2", "nats-3"];
/** For a machine that stands still, ms. */
const patient = { withinMs: 20_000, everyMs: 100 };

let stack: ComposeStack;
const peers: Peer[] = [];
const settings = { BACKPLANE: "nats", NATS: "cluster", PROFILE: "minimal" };
beforeAll(async () => {
  stack = await startComposeStack({ env: settings });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map(({ client }) => client.close()));
  await stack.make("heal");
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const idOf = (service: string) => stack.inspect().get(service)?.Id ?? "";
async function apart(room: string): Promise<[Peer, Peer]> {
  const pair = await joinApart(room, { url: stack.url("PROXY_PORT"), transports: "websocket" });
  peers.push(...pair);
  return pair;
}

/** Sends an offer every 20 ms until it is stopped. `gapMs` is the longest time without an arrival so far, ms. */
function offers({ client }: Peer, { got }: Peer) {
  let [at, seen, gapMs, number, stopped] = [performance.now(), got.length, 0, 0, false];
  const look = () => {
    if (got.length > seen) at = performance.now();
    gapMs = Math.max(gapMs, performance.now() - at);
    seen = got.length;
    if (stopped) return;
    number += 1;
    // A refused offer is a gap.
    void client.send("offer", { number });
    setTimeout(look, 20);
  };
  look();
  return {
    arrived: () => got.length,
    stop: () => {
      stopped = true;
      return gapMs;
    },
  };
}

test("NATS takes the place of Redis; its servers are as closed as every service, and only on the backplane", async () => {
  expect([...stack.inspect().keys()].filter((service) => /redis|sentinel/.test(service))).toEqual([]);
  expectConfined(stack, servers);
  const now = Date.now();
  const shown = await (await fetch(`${stack.url("BOARD_PORT")}/api/snapshots?from=${now - 5_000}&to=${now}`)).json();
  const { parts } = (shown as Snapshot[]).at(-1) as Snapshot;
  expect(parts.find(({ kind }) => kind === "backplane")).toMatchObject({ id: "nats", state: "up" });
});

test("make watch-backplane hears every replica, also when the first server is cut off", async () => {
  await stack.make("partition-nats");
  await until("the replicas are ready", () => allAre(stack, "ready"), patient);
  const env = { ...process.env, ...settings, STACK: stack.name, ENGINE: "compose" };
  const watching = spawn("make", ["watch-backplane"], { cwd: join(import.meta.dirname, "../.."), env, detached: true });
  let said = "";
  for (const stream of [watching.stdout, watching.stderr]) stream.on("data", (text: Buffer) => (said += text));
  const ended = once(watching, "exit");
  const heard = until("all three are heard", () => [1, 2, 3].every((n) => said.includes(`signaling-${n} is heard`)), {
    ...patient,
    withinMs: 40_000,
  });
  try {
    await Promise.race([heard, ended.then(() => expect.unreachable(`it ended: ${said}`))]);
  } finally {
    if (watching.exitCode === null) process.kill(-(watching.pid ?? 0), "SIGINT");
    await ended;
  }
});

test("any of the three servers dies: signals between replicas are back within 3 s, and no socket is lost", async () => {
  const [a, b] = await apart("killed");
  for (const server of servers) {
    const flow = offers(a, b);
    await until("offers arrive", () => flow.arrived() > 0, patient);
    docker("kill", idOf(server));
    const already = flow.arrived();
    await until("fifty more arrive", () => flow.arrived() >= already + 50, patient);
    await until("the replicas are ready", () => allAre(stack, "ready"), patient);
    const gapMs = flow.stop();
    process.stdout.write(`${server} killed: no signal between replicas for ${gapMs.toFixed(0)} ms\n`);
    expect(gapMs).toBeLessThan(3_000);
    await stack.make("start-nats", `SERVER=${servers.indexOf(server) + 1}`);
  }
  expect([a.lost(), b.lost()]).toEqual([0, 0]);
  expectNoneRestarted(stack);
});

test("make kill-nats and pause-nats act on the server that SERVER names; without all three the replicas are degraded", async () => {
  await stack.make("kill-nats", "SERVER=2");
  await stack.make("pause-nats", "SERVER=3");
  const said = await stack.make("status");
  expect(said).toMatch(/^nats +running/m);
  expect(said).toMatch(/^nats-2 +stopped/m);
  expect(said).toMatch(/^nats-3 +paused/m);
  await until("the replicas are ready with the one left", () => allAre(stack, "ready"), patient);
  const noticed = until("all are degraded", () => allAre(stack, "degraded"), { ...patient, withinMs: 60_000 });
  await Promise.all([noticed, stack.make("kill-nats")]);
});

test("servers that come back in another order, with other addresses, find each other by name", async () => {
  restartElsewhere(stack, servers);
  await until("the replicas are ready", () => allAre(stack, "ready"), patient);
  const [a, b] = await apart("again");
  const flow = offers(a, b);
  await until("offers arrive", () => flow.arrived() >= 20, patient);
  flow.stop();
});
