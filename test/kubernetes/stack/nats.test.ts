import { afterAll, beforeAll, expect, test } from "vitest";
import { joinApart, type Peer } from "../../compose/peers.ts";
import { until } from "../../support/poll.ts";
import { deploy, type KubernetesStack, remove } from "./kubernetes-stack.ts";

/** For a machine that stands still now and then, ms. */
const patient = { withinMs: 60_000, everyMs: 250 };
const servers = ["nats-0", "nats-1", "nats-2"];

let stack: KubernetesStack;
beforeAll(async () => {
  stack = await deploy("nats");
});
afterAll(remove);

/** Sends an offer every 20 ms. `stop` returns the longest time without an arrival, ms. */
function offers({ client }: Peer, { got }: Peer) {
  let arrivedAt = performance.now();
  let seen = got.length;
  let longestMs = 0;
  let number = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    if (got.length > seen) arrivedAt = now;
    seen = got.length;
    longestMs = Math.max(longestMs, now - arrivedAt);
    number += 1;
    // A refused offer arrives nowhere, and so is a gap.
    void client.send("offer", { number });
  }, 20);
  return () => {
    clearInterval(timer);
    return longestMs;
  };
}

test("NATS is there and no Redis; the replicas are ready", async () => {
  expect(await stack.ready("nats")).toEqual(servers);
  expect(await stack.ready("signaling")).toHaveLength(3);
  expect(await stack.pods("redis")).toEqual([]);
});

test("each NATS server is killed in turn: signals from pod to pod are back in 3 s, no socket is lost, the kubelet restarts it", async () => {
  const [a, b] = await joinApart("killed", { url: stack.url, transports: "websocket" });
  try {
    for (const [at, server] of servers.entries()) {
      const before = b.got.length;
      const stop = offers(a, b);
      await until("offers arrive", () => b.got.length > before + 20, patient);
      await stack.kill(server, "nats-server");
      await until(
        `${server} was started again`,
        async () => (await stack.pods("nats"))[at]?.status.containerStatuses?.[0]?.restartCount === 1,
        patient,
      );
      const already = b.got.length;
      await until("fifty more arrive", () => b.got.length >= already + 50, patient);
      const longestMs = stop();
      process.stdout.write(`${server} killed: no signal from pod to pod for ${longestMs.toFixed(0)} ms\n`);
      expect(longestMs).toBeLessThanOrEqual(3_000);
      await until("all servers are ready", async () => (await stack.ready("nats")).length === 3, patient);
    }
    expect([a.lost(), b.lost()]).toEqual([0, 0]);
  } finally {
    await Promise.all([a.client.close(), b.client.close()]);
  }
});
