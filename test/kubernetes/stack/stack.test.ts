import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, expect, test } from "vitest";
import { joinApart, type Peer, sendNumbered } from "../../compose/peers.ts";
import { until } from "../../support/poll.ts";
import { deploy, type HeldCalls, type KubernetesStack, kubectlWith, remove } from "./kubernetes-stack.ts";

let stack: KubernetesStack;
const peers: Peer[] = [];
let held: HeldCalls | undefined;
beforeAll(async () => {
  stack = await deploy("overlay");
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map(({ client }) => client.close()));
  await held?.end();
  held = undefined;
});

const replicas = (count: number) => Array.from({ length: count }, (_, at) => `signaling-${at}`);
const allReady = (count = 3) =>
  until(`${count} replicas are ready`, async () => (await stack.ready("signaling")).length === count, {
    withinMs: 90_000,
    everyMs: 500,
  });

/** Counts the ready replicas until `work` has ended; returns the smallest count. */
async function fewestReady(work: Promise<unknown>): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  let ended = false;
  const watched = work.finally(() => {
    ended = true;
  });
  while (!ended) {
    fewest = Math.min(fewest, (await stack.ready("signaling")).length);
    await sleep(250);
  }
  await watched;
  return fewest;
}

test("what is changed for the cluster's old version is known", () => {
  expect(stack.changes).toEqual([
    "PodDisruptionBudget: no unhealthyPodEvictionPolicy",
    "PodDisruptionBudget: policy/v1 is policy/v1beta1",
  ]);
});

for (const transports of ["websocket", "polling", "default"] as const)
  test(`300 numbered offers from pod to pod arrive once and in order (${transports})`, async () => {
    const [a, b] = await joinApart(`across-${transports}`, { url: stack.url, transports });
    peers.push(a, b);
    await sendNumbered(a, 0, 300);
    await until("all have arrived", () => b.got.length >= 300);
    expect(b.got).toEqual(Array.from({ length: 300 }, (_, at) => at));
  });

test("Prometheus scrapes every pod, the replicas by their names", async () => {
  const query = "/api/v1/namespaces/hold-the-line/services/prometheus:9090/proxy/api/v1/query?query=up";
  const wanted = ["alertmanager 1", "caller 1", "prometheus 1", "proxy 1", "proxy 1", "redis 1"];
  const all = [...wanted, ...replicas(3).map((id) => `signaling ${id} 1`)];
  const scraped = async () => {
    const { data } = JSON.parse(await stack.kubectl("get", "--raw", query)) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result
      .map(({ metric, value }) => [metric["job"], metric["replica"], value[1]].filter(Boolean).join(" "))
      .sort();
  };
  await until(all.join(", "), async () => (await scraped()).join() === all.join(), { withinMs: 30_000, everyMs: 500 });
});

test("a replica is killed in the middle of its calls: clients are back in 4 s, media never stops, the kubelet restarts it", async () => {
  held = await stack.hold({ calls: 20, webrtcEvery: 4, signalsPerSecond: 2 });
  const since = Date.now();
  await stack.kill("signaling-1", "node");
  await until(
    "its peers are elsewhere",
    async () => {
      const { peers: now, reconnectMs } = (await held?.report(since)) ?? { peers: [], reconnectMs: { count: 0 } };
      return reconnectMs.count > 0 && now.every(({ state }) => state === "joined");
    },
    { withinMs: 30_000, everyMs: 500 },
  );
  // The clients are back before the kubelet has noticed anything.
  const restarts = async () => (await stack.pods("signaling"))[1]?.status.containerStatuses?.[0]?.restartCount;
  await until("the kubelet restarts it", async () => (await restarts()) === 1, { withinMs: 60_000, everyMs: 500 });
  await allReady();
  const report = await held.report(since);
  process.stdout.write(
    `killed: ${JSON.stringify({ reconnectMs: report.reconnectMs, media: report.media, signals: report.signals })}\n`,
  );
  expect(report.reconnectMs.p95).toBeLessThanOrEqual(4_000);
  expect(report.media.interruptions).toBe(0);
  expect(report.signals.lostAfterRejoin).toBe(0);
});

test("a rolling restart of all replicas with 50 calls loses no acknowledged signal; two are always ready", async () => {
  held = await stack.hold({ calls: 50, webrtcEvery: 10, signalsPerSecond: 1 });
  const since = Date.now();
  const before = (await stack.pods("signaling")).map(({ metadata }) => metadata.uid);
  await stack.kubectl("rollout", "restart", "statefulset/signaling");
  const fewest = await fewestReady(stack.kubectl("rollout", "status", "statefulset/signaling", "--timeout=200s"));
  const after = (await stack.pods("signaling")).map(({ metadata }) => metadata.uid);
  expect(after.filter((uid) => before.includes(uid))).toEqual([]);
  // A signal counts as lost 5 s after it was sent.
  await until(
    "every peer is joined",
    async () => (await held?.report(since))?.peers.every(({ state }) => state === "joined") === true,
    { withinMs: 20_000, everyMs: 500 },
  );
  await sleep(6_000);
  const report = await held.report(since);
  process.stdout.write(
    `rolled: ${JSON.stringify({ fewest, reconnectMs: report.reconnectMs, media: report.media, signals: report.signals })}\n`,
  );
  expect(fewest).toBeGreaterThanOrEqual(2);
  expect(report.signals.lost).toBe(0);
  expect(report.media.interruptions).toBe(0);
  expect(report.calls.failed).toBe(0);
});

test("a rolling restart of both proxies with 50 calls: clients are back in 3 s, no acknowledged signal is lost, media never stops", async () => {
  held = await stack.hold({ calls: 50, webrtcEvery: 10, signalsPerSecond: 1 });
  const since = Date.now();
  await stack.kubectl("rollout", "restart", "deployment/proxy");
  await stack.kubectl("rollout", "status", "deployment/proxy", "--timeout=200s");
  await until("the old proxies have gone", async () => (await stack.pods("proxy")).length === 2, {
    withinMs: 90_000,
    everyMs: 500,
  });
  await until(
    "every peer is joined",
    async () => (await held?.report(since))?.peers.every(({ state }) => state === "joined") === true,
    { withinMs: 20_000, everyMs: 500 },
  );
  await sleep(6_000);
  const report = await held.report(since);
  process.stdout.write(
    `proxies rolled: ${JSON.stringify({ reconnectMs: report.reconnectMs, media: report.media, signals: report.signals })}\n`,
  );
  expect(report.reconnectMs.count).toBeGreaterThan(0);
  expect(report.reconnectMs.p95).toBeLessThanOrEqual(3_000);
  expect(report.signals.lost).toBe(0);
  expect(report.media.interruptions).toBe(0);
});

test("scale 3 to 5 to 3: the proxies find the new replicas, and lose no signal of the old ones", async () => {
  held = await stack.hold({ calls: 20, webrtcEvery: 0, signalsPerSecond: 2 });
  const since = Date.now();
  const routed = async () => {
    const [proxy = ""] = await stack.ready("proxy");
    const table = await stack.admin<{ id: string; state: string }[]>(`pod/${proxy}`, "GET", "/replicas");
    return table
      .filter(({ state }) => state === "ready")
      .map(({ id }) => id)
      .sort();
  };
  await stack.kubectl("scale", "statefulset/signaling", "--replicas=5");
  await allReady(5);
  await until("a proxy has five ready", async () => (await routed()).length === 5, { withinMs: 30_000, everyMs: 500 });
  await stack.kubectl("scale", "statefulset/signaling", "--replicas=3");
  await until("two have gone", async () => (await stack.pods("signaling")).length === 3, {
    withinMs: 90_000,
    everyMs: 500,
  });
  await until("a proxy has three ready", async () => (await routed()).join() === replicas(3).join(), {
    withinMs: 30_000,
    everyMs: 500,
  });
  await sleep(6_000);
  expect((await held.report(since)).signals.lost).toBe(0);
});

test("a drain moves the peers of a replica; it stays in the Service's names", async () => {
  held = await stack.hold({ calls: 20, webrtcEvery: 0, signalsPerSecond: 2 });
  await stack.admin("pod/signaling-2", "POST", "/drain");
  await until(
    "no peer is on signaling-2",
    async () =>
      (await held?.report(0))?.peers.every(({ node, state }) => state === "joined" && node !== "signaling-2") === true,
    { withinMs: 30_000, everyMs: 500 },
  );
  expect(await stack.kubectl("exec", "signaling-0", "--", "getent", "hosts", "signaling-2.signaling")).toContain(
    "signaling-2",
  );
  await stack.admin("pod/signaling-2", "POST", "/undrain");
  await allReady();
});

test("the budget refuses the eviction of a second replica", async () => {
  const evict = (pod: string) =>
    kubectlWith(
      JSON.stringify({
        apiVersion: "policy/v1beta1",
        kind: "Eviction",
        metadata: { name: pod, namespace: "hold-the-line" },
      }),
      "create",
      "--raw",
      `/api/v1/namespaces/hold-the-line/pods/${pod}/eviction`,
      "--filename",
      "-",
    );
  const uidOf = async () => (await stack.pods("signaling"))[0]?.metadata.uid;
  const before = await uidOf();
  evict("signaling-0");
  expect(() => evict("signaling-1")).toThrow(/disruption budget/);
  await until("the evicted pod was replaced", async () => ![before, undefined].includes(await uidOf()), {
    withinMs: 60_000,
    everyMs: 500,
  });
  await allReady();
});

test("Redis is killed: every replica stays ready, calls go on, and the kubelet restarts it", async () => {
  held = await stack.hold({ calls: 20, webrtcEvery: 4, signalsPerSecond: 2 });
  const since = Date.now();
  const [redis = ""] = await stack.ready("redis");
  await stack.kill(redis, "redis-server");
  await until(
    "Redis was started again",
    async () => (await stack.pods("redis"))[0]?.status.containerStatuses?.[0]?.restartCount === 1,
    { withinMs: 60_000, everyMs: 500 },
  );
  await until("Redis is ready", async () => (await stack.ready("redis")).length === 1, {
    withinMs: 60_000,
    everyMs: 500,
  });
  expect(await stack.ready("signaling")).toEqual(replicas(3));
  const report = await held.report(since);
  expect(report.media.interruptions).toBe(0);
  expect(report.reconnectMs.count).toBe(0);
});

test("down leaves nothing", async () => {
  await remove();
  expect(
    await stack.kubectl(
      "get",
      "pods,services,secrets,configmaps,persistentvolumes",
      "--output",
      "name",
      "--ignore-not-found",
    ),
  ).toBe("");
});
