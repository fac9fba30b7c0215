import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { insideEndpoints, insideReplica } from "./endpoints.ts";
import { createComposeEngine } from "./engine.ts";

interface FakeContainer {
  id: string;
  service: string;
  state: "created" | "running" | "paused" | "exited";
  env: string[];
  labels: Record<string, string>;
  networks: Record<string, object>;
  /** When it turns healthy after a start, ms; undefined: it ends. */
  healthyAfterMs: number | undefined;
  startedAt: number;
}

/** The part of the Docker API that the engine uses, in memory. Every change is noted in `done`. */
function fakeDocker(services: readonly string[], change: (container: FakeContainer) => void = () => undefined) {
  const done: string[] = [];
  const all = new Map<string, FakeContainer>();
  let made = 0;
  const add = (service: string, given: Partial<FakeContainer>): FakeContainer => {
    made += 1;
    const container: FakeContainer = {
      id: `c${made}`,
      service,
      state: "running",
      env: ["A=compose"],
      labels: { "com.docker.compose.project": "blue", "com.docker.compose.service": service },
      networks: { blue_backplane: {}, blue_monitoring: {} },
      healthyAfterMs: 500,
      startedAt: 0,
      ...given,
    };
    all.set(container.id, container);
    change(container);
    return container;
  };
  for (const service of services) add(service, {});
  const handle = (id: string) => {
    const container = all.get(id) as FakeContainer;
    const note = (verb: string, state: FakeContainer["state"]) => async () => {
      done.push(`${verb} ${container.service}`);
      container.state = state;
    };
    return {
      inspect: async () => {
        const Running = container.state === "running" || container.state === "paused";
        const up =
          container.healthyAfterMs !== undefined && Date.now() - container.startedAt >= container.healthyAfterMs;
        return {
          Name: `/blue-${container.service}-1`,
          Config: { Labels: container.labels, Env: container.env },
          HostConfig: {},
          NetworkSettings: { Networks: container.networks },
          State: { Running, Restarting: false, ExitCode: 1, Health: { Status: up ? "healthy" : "starting" } },
        };
      },
      start: async () => {
        done.push(`start ${container.service}`);
        container.startedAt = Date.now();
        container.state = container.healthyAfterMs === undefined ? "exited" : "running";
      },
      stop: note("stop", "exited"),
      kill: note("kill", "exited"),
      pause: note("pause", "paused"),
      unpause: note("unpause", "running"),
      remove: async () => void all.delete(id),
    };
  };
  const docker = {
    listContainers: async () =>
      [...all.values()].map(({ id, service, state, labels }) => ({
        Id: id,
        Names: [`/blue-${service}-1`],
        State: state,
        Labels: labels,
      })),
    getContainer: handle,
    createContainer: async ({ Env, Labels }: { Env: string[]; Labels: Record<string, string> }) => {
      const service = Labels["com.docker.compose.service"] ?? "";
      done.push(`create ${service}`);
      return handle(add(service, { env: Env, labels: Labels, state: "created" }).id);
    },
    listNetworks: async () => [{ Id: "n1", Name: "blue_backplane" }],
    getNetwork: () => ({
      disconnect: async ({ Container }: { Container: string }) => {
        done.push("disconnect");
        delete (all.get(Container) as FakeContainer).networks["blue_backplane"];
      },
      connect: async ({ Container, EndpointConfig }: { Container: string; EndpointConfig: { Aliases: string[] } }) => {
        done.push(`connect as ${EndpointConfig.Aliases}`);
        (all.get(Container) as FakeContainer).networks["blue_backplane"] = {};
      },
    }),
  };
  const targetsDir = mkdtempSync(join(tmpdir(), "targets-"));
  const engine = createComposeEngine({
    stack: "blue",
    endpoints: insideEndpoints(undefined, undefined, ["proxy"]),
    linksAdmin: "http://links",
    targetsDir,
    replica: insideReplica(undefined),
    natsPassword: () => "",
    docker: docker as unknown as Docker,
  });
  const named = (service: string) => [...all.values()].find((container) => container.service === service);
  return { engine, done, named, targetsDir };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** The outcome of `work`, its waits as fast as they can be computed. */
async function soon<T>(work: Promise<T>): Promise<T> {
  const settled = work.then(
    () => true,
    () => true,
  );
  for (let n = 0; n < 1_000; n += 1) {
    await vi.advanceTimersByTimeAsync(100);
    if (await Promise.race([settled, Promise.resolve(false)])) break;
  }
  return work;
}

test("services are the started ones, each in one of three states", async () => {
  const { engine } = fakeDocker(["redis", "proxy", "signaling-1", "signaling-4", "ops"], (container) => {
    if (container.service === "signaling-4") container.state = "created";
    if (container.service === "proxy") container.state = "paused";
    if (container.service === "redis") container.state = "exited";
  });
  expect((await engine.services()).map(({ id, state }) => `${id} ${state}`)).toEqual([
    "proxy paused",
    "redis stopped",
    "signaling-1 running",
  ]);
});

test("kill, start, pause and resume print the equivalent command, and a repetition changes nothing", async () => {
  const { engine, done } = fakeDocker(["proxy"]);
  expect(await engine.kill("proxy")).toEqual({ changed: true, typed: "docker compose -p blue kill proxy" });
  expect(await engine.kill("proxy")).toMatchObject({ changed: false });
  expect(await soon(engine.start("proxy"))).toEqual({ changed: true, typed: "docker compose -p blue start proxy" });
  expect(await soon(engine.start("proxy"))).toMatchObject({ changed: false });
  expect(await engine.pause("proxy")).toMatchObject({ changed: true });
  expect(await engine.pause("proxy")).toMatchObject({ changed: false });
  expect(await engine.resume("proxy")).toMatchObject({ changed: true });
  expect(done).toEqual(["kill proxy", "start proxy", "pause proxy", "unpause proxy"]);
});

test("a start resolves once the container is healthy, and fails if it exits or stays unhealthy for 60 s", async () => {
  const slow = fakeDocker(["proxy"], (container) =>
    Object.assign(container, { state: "exited", healthyAfterMs: 20_000 }),
  );
  const begunAt = Date.now();
  await soon(slow.engine.start("proxy"));
  expect(Date.now() - begunAt).toBeGreaterThanOrEqual(20_000);
  const dead = fakeDocker(["proxy"], (container) =>
    Object.assign(container, { state: "exited", healthyAfterMs: undefined }),
  );
  await expect(soon(dead.engine.start("proxy"))).rejects.toThrow(
    /proxy ended while starting \(exit 1\): docker compose/,
  );
  const sick = fakeDocker(["proxy"], (container) => Object.assign(container, { state: "exited", healthyAfterMs: 1e9 }));
  await expect(soon(sick.engine.start("proxy"))).rejects.toThrow("proxy is not healthy after 60 s");
});

test("a paused container is resumed before it is stopped", async () => {
  const { engine, done } = fakeDocker(["proxy"], (container) => Object.assign(container, { state: "paused" }));
  await engine.stop("proxy");
  expect(done).toEqual(["unpause proxy", "stop proxy"]);
});

test("a stopped service cannot be frozen, and a missing service is named", async () => {
  const { engine } = fakeDocker(["proxy", "redis"], (container) => Object.assign(container, { state: "exited" }));
  await expect(engine.pause("proxy")).rejects.toThrow("proxy is not running: start it first");
  await expect(engine.kill("signaling-9")).rejects.toThrow("no service signaling-9: proxy, redis");
  await expect(fakeDocker([]).engine.kill("proxy")).rejects.toThrow('the stack "blue" is not up: make up');
});

test("a restart with other settings recreates the container; the next restart restores its settings", async () => {
  const { engine, named } = fakeDocker(["signaling-2"]);
  await soon(engine.restart("signaling-2", { A: "override", B: "1" }));
  expect(named("signaling-2")?.env).toEqual(["A=override", "B=1"]);
  await soon(engine.restart("signaling-2"));
  expect(named("signaling-2")).toMatchObject({ env: ["A=compose"] });
  expect(Object.keys(named("signaling-2")?.labels ?? {})).not.toContain("hold-the-line.original-env");
});

test("a partition disconnects the container from the backplane's network; reconnect restores it with its name", async () => {
  const { engine, done } = fakeDocker(["signaling-1", "redis"]);
  expect(await engine.partition("signaling-1")).toEqual({
    changed: true,
    typed: "docker network disconnect blue_backplane blue-signaling-1-1",
  });
  expect(await engine.partition("signaling-1")).toMatchObject({ changed: false });
  expect(await engine.impaired()).toEqual([{ id: "signaling-1", how: "cut off from the backplane" }]);
  expect(await engine.reconnect("signaling-1")).toMatchObject({ changed: true });
  expect(await engine.impaired()).toEqual([]);
  expect(done).toEqual(["disconnect", "connect as signaling-1"]);
});

test("slow names the overlay that it needs", async () => {
  const { engine } = fakeDocker(["signaling-1", "redis"]);
  await expect(engine.slow("redis", { latencyMs: 1, jitterMs: 0 })).rejects.toThrow("make up OVERLAYS=chaos");
  await expect(engine.slow("proxy", { latencyMs: 1, jitterMs: 0 })).rejects.toThrow("proxy has no link");
});

test("an added replica is scraped; a removed one is created but not started, as after make up", async () => {
  const { engine, named, targetsDir } = fakeDocker(["signaling-1", "signaling-4"], (container) => {
    if (container.service === "signaling-4" && container.labels["hold-the-line.original-env"] === undefined)
      container.state = "created";
  });
  const targets = () => JSON.parse(readFileSync(join(targetsDir, "scaled.json"), "utf8")) as unknown;
  await soon(engine.addReplica("signaling-4"));
  expect(targets()).toEqual([{ targets: ["signaling-4:9100"] }]);
  await soon(engine.removeReplica("signaling-4"));
  expect(targets()).toEqual([{ targets: [] }]);
  expect(named("signaling-4")?.state).toBe("created");
});
