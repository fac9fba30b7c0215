import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLog } from "../../../../common/log.ts";
import { createMetrics } from "../../metrics.ts";
import type { BackplaneContext } from "../backplane.ts";
import { createCanary } from "./canary.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Replicas whose canaries and hearing go from each to those that `paths` names, and are on their way for `delayMs`. */
function connect(paths: Record<string, readonly string[]>, delayMs = 0) {
  const carry = (deliver: () => void) => void (delayMs === 0 ? deliver() : setTimeout(deliver, delayMs));
  const unconfirmed = new Set<string>();
  const renewed: string[] = [];
  const context = { log: createLog({ service: "test", level: "silent" }), metrics: createMetrics() };
  const canaries = new Map(
    Object.keys(paths).map((nodeId) => [
      nodeId,
      createCanary({ ...context, nodeId } as unknown as BackplaneContext, {
        lanes: [
          {
            name: "heartbeat",
            send: async (payload) => {
              for (const to of paths[nodeId] ?? []) carry(() => canaries.get(to)?.receive("heartbeat", payload));
            },
          },
        ],
        tell: (hearing) => {
          for (const to of paths[nodeId] ?? []) carry(() => canaries.get(to)?.hears(hearing));
        },
        onSilent: (reason) => void renewed.push(`${nodeId}: ${reason}`),
        onDeaf: (reason) => void renewed.push(`${nodeId}: ${reason}`),
        confirmed: () => !unconfirmed.has(nodeId),
      }),
    ]),
  );
  for (const canary of canaries.values()) canary.opened();
  const up = () => [...canaries].filter(([, canary]) => canary.up()).map(([nodeId]) => nodeId);
  const reached = (nodeId: string) => Object.keys(paths).filter((other) => canaries.get(nodeId)?.reaches(other));
  return { paths, canaries, renewed, unconfirmed, up, reached };
}
const all = ["a", "b", "c"];

test("replicas that hear each other are up from the start", async () => {
  const { renewed, up } = connect({ a: all, b: all, c: all });
  for (let second = 0; second < 10; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    expect(up()).toEqual(all);
  }
  expect(renewed).toEqual([]);
});

test("replicas on a slow backplane hear each other late, and stay up", async () => {
  const { renewed, up } = connect({ a: all, b: all, c: all }, 480);
  await vi.advanceTimersByTimeAsync(3_000);
  for (let moment = 0; moment < 100; moment += 1) {
    await vi.advanceTimersByTimeAsync(100);
    expect(up()).toEqual(all);
  }
  expect(renewed).toEqual([]);
});

test("a replica that hears others but is not heard is down within 3 s, until it is heard", async () => {
  const { paths, renewed, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(5_000);
  paths["a"] = ["a"];
  await vi.advanceTimersByTimeAsync(3_000);
  expect(up()).toEqual(["b", "c"]);
  expect(renewed[0]).toBe("a: b does not hear this replica, which hears it: they use two servers");
  for (let second = 0; second < 10; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    expect(up()).toEqual(["b", "c"]);
  }
  paths["a"] = all;
  await vi.advanceTimersByTimeAsync(2_500);
  expect(up()).toEqual(all);
});

test("on a slow backplane such a replica is down by the time on the way later", async () => {
  const { paths, up } = connect({ a: all, b: all, c: all }, 300);
  await vi.advanceTimersByTimeAsync(5_000);
  paths["a"] = ["a"];
  await vi.advanceTimersByTimeAsync(3_000 + 2 * 300);
  expect(up()).toEqual(["b", "c"]);
});

test("a replica that hears no other does not influence the others", async () => {
  const { paths, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(5_000);
  paths["a"] = ["b", "c"];
  paths["b"] = ["b", "c"];
  paths["c"] = ["b", "c"];
  await vi.advanceTimersByTimeAsync(10_000);
  expect(up()).toEqual(["b", "c"]);
});

/** Each replica is heard by itself and by those on its side. */
const split = (paths: Record<string, readonly string[]>, ...sides: string[][]) => {
  for (const side of sides) for (const node of side) paths[node] = side;
};

test("of replicas that are cut in two, those who are few and without Sentinels are down until they hear the others", async () => {
  const { paths, unconfirmed, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(10_000);
  split(paths, ["a"], ["b", "c"]);
  await vi.advanceTimersByTimeAsync(2_500);
  unconfirmed.add("a");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(up()).toEqual(["b", "c"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(up()).toEqual(["b", "c"]);
  split(paths, all);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(up()).toEqual(all);
});

test("a lone replica is up while the Sentinels confirm its server, and replicas are up without Sentinels while most hear each other", async () => {
  const { paths, unconfirmed, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(10_000);
  for (const node of all) unconfirmed.add(node);
  paths["c"] = [];
  split(paths, ["a", "b"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(up()).toEqual(["a", "b"]);
  unconfirmed.clear();
  split(paths, ["a"], ["b"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(up()).toEqual(["a", "b"]);
});

test("a replica that leaves a server is not reached there, and the last one without Sentinels is down at once", async () => {
  const { canaries, unconfirmed, reached, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(5_000);
  unconfirmed.add("a");
  expect(reached("a")).toEqual(["b", "c"]);
  canaries.get("b")?.leaves();
  expect(reached("a")).toEqual(["c"]);
  expect(up()).toEqual(all);
  canaries.get("c")?.leaves();
  expect(reached("a")).toEqual([]);
  expect(up()).toEqual(["b", "c"]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(reached("a")).toEqual([]);
});

test("after a reconnect a replica reaches those that came too, and waits for the others a second before it is up", async () => {
  const { paths, canaries, reached, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(5_000);
  split(paths, ["a"], ["b"], ["c"]);
  for (const canary of canaries.values()) canary.lost();
  canaries.get("a")?.opened();
  expect([reached("a"), up()]).toEqual([[], []]);
  split(paths, ["a", "b"], ["c"]);
  canaries.get("b")?.opened();
  expect([reached("a"), reached("b"), up()]).toEqual([["b"], ["a"], []]);
  await vi.advanceTimersByTimeAsync(1_250);
  expect([reached("a"), reached("b"), up()]).toEqual([["b"], ["a"], ["a", "b"]]);
  split(paths, all);
  canaries.get("c")?.opened();
  expect([reached("a"), reached("c"), up()]).toEqual([["b", "c"], ["a", "b"], all]);
});

test("the wait for the others begins when the server works", async () => {
  const { paths, canaries, up } = connect({ a: all, b: all, c: all });
  await vi.advanceTimersByTimeAsync(5_000);
  split(paths, [], ["b", "c"]);
  paths["a"] = [];
  canaries.get("a")?.lost();
  canaries.get("a")?.opened();
  await vi.advanceTimersByTimeAsync(1_400);
  split(paths, ["a"], ["b", "c"]);
  await vi.advanceTimersByTimeAsync(800);
  expect(up()).toEqual(["b", "c"]);
  split(paths, all);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(up()).toEqual(all);
});

/** The canary of replica a, which hears itself and replica b, and what it said when it reconnected. */
function alone() {
  const context = { log: createLog({ service: "test", level: "silent" }), metrics: createMetrics(), nodeId: "a" };
  const renewed: string[] = [];
  const canary = createCanary(context as unknown as BackplaneContext, {
    lanes: [{ name: "heartbeat", send: async (payload) => canary.receive("heartbeat", payload) }],
    tell: () => undefined,
    onSilent: (reason) => void renewed.push(reason),
    onDeaf: (reason) => void renewed.push(reason),
  });
  canary.opened();
  canary.receive("heartbeat", "b AAAAAAAA 1");
  return { canary, renewed };
}

test("a canary that was sent before the other one listened is no sign that it hears nothing", async () => {
  const { canary, renewed } = alone();
  await vi.advanceTimersByTimeAsync(1_040);
  // It began right after the first canary, and the second one is on its way.
  canary.hears("b 1000 AAAAAAAA:1");
  await vi.advanceTimersByTimeAsync(840);
  canary.receive("heartbeat", "b AAAAAAAA 2");
  expect([canary.up(), renewed]).toEqual([true, []]);
  canary.hears("b 1879 AAAAAAAA:2");
  expect([canary.up(), renewed]).toEqual([true, []]);
  await vi.advanceTimersByTimeAsync(20);
  canary.hears("b 1899 AAAAAAAA:2");
  expect(canary.up()).toBe(false);
  expect(renewed).toHaveLength(1);
});

test.each([
  "",
  "b ",
  "b a,",
  "b 9999 A",
  "b 9999 AAAAAAAA:1\nb",
  "b 9999 AAAAAAAA:x",
  "b 9999 AAAAAAAA:1 ",
  "b x",
  "b",
])("%j is no hearing of a replica", (text) => {
  const { canary, renewed } = alone();
  vi.advanceTimersByTime(1_500);
  canary.hears(text);
  vi.advanceTimersByTime(1_000);
  expect(renewed).toEqual([]);
  canary.receive("heartbeat", "b AAAAAAAA 2");
  canary.hears("b 9999");
  expect(renewed).toHaveLength(1);
});
