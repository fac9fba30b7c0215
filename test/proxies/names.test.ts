import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import type { ProxyProgram } from "../support/proxy.ts";
import { openTunnel } from "../support/raw-socket.ts";
import { at, ejections, openStage, tunnelTo } from "./named-stage.ts";

let stage: ReturnType<typeof openStage>;
beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

const whoAnswers = async (proxy: ProxyProgram) => ((await (await fetch(`${proxy.url}/`)).json()) as { id: string }).id;

test.each([
  ["silent", "there"],
  ["fails", "there"],
  ["empty", "there"],
  ["garbled", "there"],
  ["well", "gone"],
] as const)(
  "a resolver (%s, its names %s) ejects no replica and cuts no tunnel; new sessions work",
  async (mood, gone) => {
    const { names, proxy } = await stage.twoByName({ RESOLVE_INTERVAL_MS: "100" });
    const tunnels = [await tunnelTo(proxy, "signaling-1"), await tunnelTo(proxy, "signaling-2")];
    names.mood = mood;
    if (gone === "gone") names.names.clear();
    await until("the proxy notices", async () => (await proxy.metric("proxy_stale_names")) === 2, { withinMs: 15_000 });
    const asked = names.asked;
    await until("it goes on asking", () => names.asked > asked + 4, { withinMs: 20_000 });
    // A new client's requests, each on a new connection to the replica.
    const answered = new Set<string>();
    for (let i = 0; i < 20; i++) {
      (await openTunnel(proxy.port)).socket.destroy();
      answered.add(await whoAnswers(proxy));
    }
    expect([...answered].sort()).toEqual(["signaling-1", "signaling-2"]);
    expect(tunnels.map((tunnel) => tunnel.closed)).toEqual([false, false]);
    expect(await ejections(proxy)).toEqual([]);
  },
);

test("a moved replica is followed within 5 s; connections to the old address continue until it is down", async () => {
  const { port, names, first, proxy } = await stage.twoByName();
  const old = await tunnelTo(proxy, "signaling-1");
  const echo = async () => {
    old.resume().write("still there");
    await once(old, "data");
  };
  const moved = await stage.replica("signaling-1", "127.0.0.3", port);
  names.names.set("signaling-1.test", ["127.0.0.3"]);
  await until(
    "its sessions go to the new address",
    async () => {
      const { socket } = await openTunnel(proxy.port, "/socket.io/?EIO=4&transport=websocket&sid=signaling-1.y");
      socket.destroy();
      return moved.seen.length > 0;
    },
    { withinMs: 5_000 },
  );
  await echo();
  const before = first.seen.length;
  for (let i = 0; i < 20; i++) await whoAnswers(proxy);
  expect(first.seen.length).toBe(before);
  expect(await proxy.metric('proxy_tunnels{replica="signaling-1"}')).toBe(1);
  expect(await ejections(proxy)).toEqual([]);
  const closed = once(old, "close");
  await stage.end(first);
  await closed;
  expect((await proxy.replica("signaling-1")).state).toBe("ready");
});

test.each([
  ["nothing listens", async () => undefined],
  ["another replica answers", (port: number) => stage.replica("signaling-9", "127.0.0.9", port)],
])("a name that points to an address where %s is not followed while the old address answers", async (_what, stand) => {
  const { port, names, proxy } = await stage.twoByName({ RESOLVE_INTERVAL_MS: "100" });
  await stand(port);
  const tunnel = await tunnelTo(proxy, "signaling-1");
  names.names.set("signaling-1.test", ["127.0.0.9"]);
  const asked = names.asked;
  await until("it has asked ten times more", () => names.asked > asked + 40);
  expect((await proxy.replica("signaling-1")).state).toBe("ready");
  (await tunnelTo(proxy, "signaling-1")).destroy();
  expect(tunnel.closed).toBe(false);
  expect(await ejections(proxy)).toEqual([]);
});

test("a replica that restarts at another address is found there", async () => {
  const { port, names, first, proxy } = await stage.twoByName();
  await stage.end(first);
  await until("it is down", async () => (await proxy.replica("signaling-1")).state === "down");
  await stage.replica("signaling-1", "127.0.0.3", port);
  names.names.set("signaling-1.test", ["127.0.0.3"]);
  await until("it is ready", async () => (await proxy.replica("signaling-1")).state === "ready", { withinMs: 5_000 });
});

test("of several addresses the one that answers is used", async () => {
  const port = await freePort();
  const names = await stage.names({ "signaling-1.test": ["127.0.0.8", "127.0.0.1"] });
  await stage.replica("signaling-1", "127.0.0.1", port);
  const proxy = await stage.proxy(names, at("signaling-1", port));
  await until("it is ready", async () => (await proxy.replica("signaling-1")).state === "ready", { withinMs: 5_000 });
});

test("unresolved names of a range are absent, and join when they resolve", async () => {
  const port = await freePort();
  const names = await stage.names({ "signaling-0.test": ["127.0.0.1"] });
  await stage.replica("signaling-0", "127.0.0.1", port);
  const proxy = await stage.proxy(names, at("signaling-{0..9}", port));
  const ids = async () =>
    ((await (await fetch(`${proxy.admin}/replicas`)).json()) as { id: string }[]).map(({ id }) => id);
  expect(await ids()).toEqual(["signaling-0"]);
  // The sid of an absent replica names no replica, so the route key decides, as for another server's sid.
  expect((await fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling&sid=signaling-4.x`)).status).toBe(200);
  await stage.replica("signaling-4", "127.0.0.4", port);
  names.names.set("signaling-4.test", ["127.0.0.4"]);
  await until("the new one joins", async () => (await proxy.replica("signaling-4")).state === "ready", {
    withinMs: 5_000,
  });
  expect(await ids()).toEqual(["signaling-0", "signaling-4"]);
});

test("an operator's replica whose name does not resolve is absent until it does", async () => {
  const { port, names, proxy } = await stage.twoByName();
  const put = (method: string) =>
    proxy.call(method, "/replicas/signaling-5", {
      url: `http://signaling-5.test:${port}`,
      readyUrl: `http://signaling-5.test:${port}/readyz`,
    });
  expect((await put("PUT")).status).toBe(202);
  await stage.replica("signaling-5", "127.0.0.5", port);
  names.names.set("signaling-5.test", ["127.0.0.5"]);
  await until("it joins", async () => (await proxy.replica("signaling-5")).state === "ready", { withinMs: 5_000 });
  expect((await put("DELETE")).status).toBe(200);
  expect((await put("DELETE")).status).toBe(404);
});

test("a proxy that starts without the resolver listens, and its replicas join when the resolver is back", async () => {
  const port = await freePort();
  const names = await stage.names({ "signaling-1.test": ["127.0.0.1"] });
  names.mood = "silent";
  await stage.replica("signaling-1", "127.0.0.1", port);
  const proxy = await stage.proxy(names, at("signaling-1", port));
  expect((await fetch(proxy.url)).status).toBe(503);
  names.mood = "well";
  await until("new sessions go on", async () => (await fetch(proxy.url)).ok);
});
