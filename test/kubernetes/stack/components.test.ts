import { mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { joinApart, sendNumbered } from "../../compose/peers.ts";
import { tcp4, v2 } from "../../proxies/proxy-headers.ts";
import { until } from "../../support/poll.ts";
import { deploy, forward, type KubernetesStack, kubectlWith, remove } from "./kubernetes-stack.ts";

/** Claims of the component `sentinel`: one of each Redis server and each Sentinel. */
const claims = 6;
let stack: KubernetesStack;
const balancer = createServer((client) => {
  const service = connect(80, new URL(stack.url).hostname);
  service.write(v2(0x21, 0x11, tcp4(7)));
  client.pipe(service).pipe(client);
  for (const socket of [client, service])
    socket.on("error", () => {
      client.destroy();
      service.destroy();
    });
});

/** Volumes for the claims: the tests' own cluster makes none. */
function offerVolumes(): void {
  const cluster = process.env["KUBERNETES_CACHE"];
  if (cluster === undefined) return;
  const node = kubectlWith("", "get", "nodes", "--output", "jsonpath={.items[0].metadata.name}");
  const items = Array.from({ length: claims }, (_, at) => {
    const path = join(cluster, "state/volumes", String(at));
    mkdirSync(path, { recursive: true });
    return {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `data-${at}`, labels: { of: "components" } },
      spec: {
        capacity: { storage: "64Mi" },
        accessModes: ["ReadWriteOnce"],
        local: { path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
            ],
          },
        },
      },
    };
  });
  kubectlWith(JSON.stringify({ apiVersion: "v1", kind: "List", items }), "apply", "--filename", "-");
}

beforeAll(async () => {
  offerVolumes();
  stack = await deploy("components");
  await new Promise<void>((resolve) => balancer.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  balancer.close();
  await remove();
  kubectlWith("", "delete", "persistentvolumes", "--selector", "of=components");
});

test("the pods of every component are ready", async () => {
  const count = async (app: string) => (await stack.ready(app)).length;
  for (const [app, pods] of [
    ["signaling", 3],
    ["proxy", 2],
    ["redis", 3],
    ["sentinel", 3],
    ["board", 1],
    ["caller", 1],
    ["prometheus", 1],
    ["alertmanager", 1],
    ["redis-exporter", 1],
  ] as const)
    expect([app, await count(app)]).toEqual([app, pods]);
});

test("offers from pod to pod arrive once and in order, by the PROXY protocol and the master that Sentinels name", async () => {
  const { port } = balancer.address() as { port: number };
  const [a, b] = await joinApart("components", { url: `http://127.0.0.1:${port}` });
  try {
    await sendNumbered(a, 0, 300);
    await until("all have arrived", () => b.got.length >= 300);
    expect(b.got).toEqual(Array.from({ length: 300 }, (_, at) => at));
  } finally {
    await Promise.all([a.client.close(), b.client.close()]);
  }
});

test("a client that sends no PROXY header gets no answer, and the callers have a port of their own", async () => {
  await expect(fetch(stack.url)).rejects.toThrow();
  const held = await stack.hold({ calls: 4, webrtcEvery: 0, signalsPerSecond: 1 });
  expect((await held.end()).calls.failed).toBe(0);
});

test("the board sees every replica ready", async () => {
  await using way = await forward("service/board", 9120);
  const states = async () => {
    const seconds = (await (await fetch(`${way.url}/api/history`)).json()) as { states: Record<string, string> }[];
    return seconds.at(-1)?.states ?? {};
  };
  await until("the three are ready", async () => {
    const seen = await states();
    return ["signaling-0", "signaling-1", "signaling-2"].every((id) => seen[id] === "ready");
  });
});
