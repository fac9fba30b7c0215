import { expect, test } from "vitest";
import { portsOf } from "../ports.ts";
import { CannotError } from "../stack/engine.ts";
import { createKubernetesEngine, forwardedEndpoints } from "./engine.ts";
import type { Kubectl } from "./kubectl.ts";
import { podsOf } from "./pods.ts";

const pod = (
  name: string,
  app: string,
  created: string,
  { ready = true, deleted = false, uid = name, stateful = false } = {},
) => ({
  metadata: {
    name,
    uid,
    creationTimestamp: created,
    ...(deleted ? { deletionTimestamp: created } : {}),
    labels: { app, ...(stateful ? { "statefulset.kubernetes.io/pod-name": name } : {}) },
  },
  status: {
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    containerStatuses: [{ state: ready ? { running: {} } : {}, lastState: { terminated: { exitCode: 137 } } }],
  },
});
const pods = [
  pod("proxy-b", "proxy", "2026-01-01T00:00:02Z"),
  pod("proxy-z", "proxy", "2026-01-01T00:00:01Z"),
  pod("signaling-1", "signaling", "2026-01-01T00:00:01Z"),
  pod("signaling-0", "signaling", "2026-01-01T00:00:01Z"),
  pod("signaling-9", "signaling", "2026-01-01T00:00:01Z", { deleted: true }),
  pod("redis-x", "redis", "2026-01-01T00:00:01Z"),
];

/** A kubectl that records its commands and answers with these pods. */
function engineOn(
  items: readonly unknown[] | (() => readonly unknown[]),
  answer: (args: string[]) => string = () => "",
) {
  const ran: string[] = [];
  const kubectl: Kubectl = {
    async run(...args) {
      if (args[0] === "get") return JSON.stringify({ items: typeof items === "function" ? items() : items });
      ran.push(args.join(" "));
      return answer(args);
    },
    start: (...args) => {
      throw new Error(`started ${args.join(" ")}`);
    },
    typed: (...args) => `kubectl ${args.join(" ")}`,
  };
  const natsAccess = () => ({ host: "127.0.0.1", port: 0, user: "ops", password: "" });
  const endpoints = forwardedEndpoints(portsOf(0, {}), "token");
  return { engine: createKubernetesEngine({ stack: "blue", endpoints, kubectl, natsAccess }), ran };
}

test("services have the ids of the other engines: proxies by age, replicas by their pods' names", () => {
  expect(podsOf(pods).map(({ id, name }) => [id, name])).toEqual([
    ["proxy", "proxy-z"],
    ["redis", "redis-x"],
    ["signaling-0", "signaling-0"],
    ["signaling-1", "signaling-1"],
    ["proxy-2", "proxy-b"],
  ]);
});

test("a server of a StatefulSet keeps its id when its pod is a new one: nats-1 is nats-2", () => {
  const server = (name: string, app: string, age: number) =>
    pod(name, app, `2026-01-01T00:00:0${age}Z`, { stateful: true });
  const listed = ["nats", "redis", "sentinel"].flatMap((app) => [
    server(`${app}-0`, app, 9),
    server(`${app}-1`, app, 1),
    server(`${app}-2`, app, 5),
  ]);
  expect(
    podsOf(listed)
      .map(({ id, name }) => `${name} is ${id}`)
      .sort(),
  ).toEqual([
    "nats-0 is nats",
    "nats-1 is nats-2",
    "nats-2 is nats-3",
    "redis-0 is redis",
    "redis-1 is redis-2",
    "redis-2 is redis-3",
    "sentinel-0 is sentinel-1",
    "sentinel-1 is sentinel-2",
    "sentinel-2 is sentinel-3",
  ]);
});

test("Sentinels name the servers by their pods, and are asked at their own port", async () => {
  const { engine } = engineOn([pod("sentinel-0", "sentinel", "2026-01-01T00:00:01Z", { stateful: true })]);
  expect(["redis", "redis-2", "redis-3"].map(engine.redisAddress)).toEqual([
    "redis-0.redis:6379",
    "redis-1.redis:6379",
    "redis-2.redis:6379",
  ]);
  const asked = engine.redisCli(["PING"], AbortSignal.timeout(1_000), "sentinel-1")[Symbol.asyncIterator]();
  await expect(asked.next()).rejects.toThrow(/started exec sentinel-0 .* 26379 PING/);
});

test("replica 0 is reached at the ports of the first replica, each proxy at its own", () => {
  const { endpoints } = engineOn(pods).engine;
  expect(endpoints.replica("signaling-0").admin).toBe("http://127.0.0.1:9101");
  expect(endpoints.draining("signaling-2")).toEqual(["http://127.0.0.1:9103"]);
  expect(endpoints.proxyAdmins).toEqual({ proxy: "http://127.0.0.1:9100", "proxy-2": "http://127.0.0.1:9109" });
});

test("kill ends the program inside its pod; that the shell ends with it is no failure, any other error is", async () => {
  const { engine, ran } = engineOn(pods, () => {
    throw new Error("kubectl exec failed: command terminated with exit code 137");
  });
  await expect(engine.kill("signaling-1")).resolves.toMatchObject({ changed: true });
  expect(ran[0]).toMatch(/^exec signaling-1 -- sh -c .*node.*kill -9/);
  const refused = engineOn(pods, () => {
    throw new Error("kubectl exec failed: forbidden");
  });
  await expect(refused.engine.kill("signaling-1")).rejects.toThrow("forbidden");
});

test("a replica more or less is a scale of the StatefulSet", async () => {
  const { engine, ran } = engineOn(pods);
  await engine.addReplica("signaling-1");
  await engine.removeReplica("signaling-1");
  expect(ran).toEqual([
    "scale statefulset/signaling --replicas=2",
    "scale statefulset/signaling --replicas=1",
    "wait --for=delete pod/signaling-1 --timeout=120s",
  ]);
});

test.each(["stop", "pause", "resume", "partition"] as const)(
  "%s says in one line that a cluster cannot do it",
  async (verb) => {
    const { engine, ran } = engineOn(pods);
    await expect(engine[verb]("signaling-1")).rejects.toThrow(CannotError);
    await expect(engine[verb]("signaling-1")).rejects.toThrow(/^a cluster cannot [^\n]+: [^\n]+$/);
    expect(ran).toEqual([]);
  },
);

test("a service that does not exist is refused with the names of those that do", async () => {
  await expect(engineOn(pods).engine.kill("signaling-7")).rejects.toThrow(/no service signaling-7: proxy, redis/);
});

test("the restart of one proxy is refused, since a new one has another name", async () => {
  const { engine, ran } = engineOn(pods);
  await expect(engine.restart("proxy-2")).rejects.toThrow(
    /^a cluster cannot restart one proxy by its name: make roll-proxies/,
  );
  expect(ran).toEqual([]);
});

test("the proxies roll together, and the roll ends when the old ones have gone", async () => {
  const ending = pods.map((one) =>
    one.metadata.labels.app === "proxy"
      ? pod(one.metadata.name, "proxy", "2026-01-01T00:00:01Z", { deleted: true })
      : one,
  );
  const fresh = pod("proxy-n", "proxy", "2026-01-01T00:00:03Z");
  const seen = [pods, [...ending, fresh], [fresh]];
  const { engine, ran } = engineOn(() => seen.shift() ?? []);
  await engine.rollProxies?.();
  expect(ran).toEqual(["rollout restart deployment/proxy", "rollout status deployment/proxy --timeout=240s"]);
  expect(seen).toEqual([]);
});
