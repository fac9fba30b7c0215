import { afterEach, beforeEach, expect, test } from "vitest";
import { type ProxyProgram, specOf, startProxyProgram } from "../support/proxy.ts";
import { openTunnel } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let replicas: Upstream[];
let proxy: ProxyProgram | undefined;
beforeEach(async () => {
  replicas = await Promise.all(["signaling-1", "signaling-2", "signaling-3"].map((id) => startUpstream(id)));
});
afterEach(async () => {
  await proxy?.[Symbol.asyncDispose]();
  for (const replica of replicas) await replica[Symbol.asyncDispose]();
});
async function start(env: Record<string, string> = {}): Promise<ProxyProgram> {
  proxy = await startProxyProgram(replicas, { ...env });
  return proxy;
}
const idOf = async (url: string, headers: Record<string, string> = {}) =>
  ((await (await fetch(url, { headers })).json()) as { id: string }).id;

test("the cookie of the first answer leads back to its replica, by HTTP and by WebSocket", async () => {
  const { url, port } = await start();
  for (let i = 0; i < 20; i++) {
    const first = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
    const setCookie = first.headers.get("set-cookie") ?? "";
    expect(setCookie).toMatch(/^sticky=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
    const { id } = (await first.json()) as { id: string };
    const cookie = setCookie.split(";", 1)[0] as string;
    const again = await fetch(`${url}/`, { headers: { cookie } });
    expect(again.headers.get("set-cookie")).toBeNull();
    expect(((await again.json()) as { id: string }).id).toBe(id);
    (await openTunnel(port, "/ws", [`Cookie: ${cookie}`])).socket.destroy();
    const replica = replicas.find((candidate) => candidate.id === id);
    expect(replica?.seen.at(-1)?.url).toBe("/ws");
  }
});

test("a session goes to the replica in its sid, whatever the cookie says", async () => {
  const { url } = await start();
  for (const { id } of replicas)
    expect(await idOf(`${url}/socket.io/?EIO=4&sid=${id}.abc`, { cookie: "sticky=x" })).toBe(id);
});

test("a sid counts only on Engine.IO requests, and a forged one is not a session", async () => {
  const { url } = await start();
  const cookie = { cookie: "sticky=x" };
  const home = await idOf(`${url}/`, cookie);
  const other = replicas.find(({ id }) => id !== home)?.id ?? "";
  expect(await idOf(`${url}/?EIO=4&sid=${other}.x`, cookie)).toBe(home);
  expect(await idOf(`${url}/socket.io/?sid=${other}.x`, cookie)).toBe(home);
  expect(await idOf(`${url}/socket.io/?EIO=4&sid=signaling-9.x`, cookie)).toBe(home);
  expect(await idOf(`${url}/socket.io/?EIO=4&sid=%2e%2e%2f127.0.0.1:22`, cookie)).toBe(home);
});

test("a garbage cookie is replaced by a new one", async () => {
  const { url } = await start();
  const answer = await fetch(url, { headers: { cookie: `sticky="${"%".repeat(100)}` } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("set-cookie")).toMatch(/^sticky=/);
});

test("removing a replica at run time moves only its clients, and adding it again brings them back", async () => {
  const { url, call } = await start();
  const cookies = Array.from({ length: 100 }, (_, index) => ({ cookie: `sticky=client-${index}` }));
  const where = () => Promise.all(cookies.map((cookie) => idOf(url, cookie)));
  const before = await where();
  expect((await call("DELETE", "/replicas/signaling-2")).status).toBe(200);
  const without = await where();
  before.forEach((id, index) => {
    if (id === "signaling-2") expect(without[index]).not.toBe("signaling-2");
    else expect(without[index]).toBe(id);
  });
  const { port } = replicas[1] as Upstream;
  const [, spec = ""] = specOf({ id: "x", port }).split("=");
  const [publicUrl, readyUrl] = spec.split("|");
  expect((await call("PUT", "/replicas/signaling-2", { url: publicUrl, readyUrl })).status).toBe(201);
  expect(await where()).toEqual(before);
});

test("an invalid change of the table is refused in one line", async () => {
  const { call } = await start();
  for (const [method, path, body, status] of [
    ["PUT", "/replicas/a", { url: "ftp://x" }, 400],
    ["PUT", "/replicas/a", {}, 400],
    ["PUT", "/replicas/a%20b", { url: "http://x" }, 400],
    ["DELETE", "/replicas/nobody", {}, 404],
    ["POST", "/replicas/nobody/drain", {}, 404],
  ] as const) {
    const answer = await call(method, path, body);
    expect([path, answer.status]).toEqual([path, status]);
    expect(((await answer.json()) as { error: string }).error).not.toMatch("\n");
  }
});

test("STICKY_KEY=ip: the client's address from trusted proxies decides", async () => {
  const { url } = await start({ STICKY_KEY: "ip", TRUSTED_PROXIES: "127.0.0.0/8" });
  const from = (ip: string) => idOf(url, { "x-forwarded-for": `6.6.6.6, ${ip}` });
  const ids = await Promise.all(Array.from({ length: 30 }, (_, index) => from(`203.0.113.${index}`)));
  expect(new Set(ids).size).toBe(3);
  expect(await Promise.all(ids.map((_, index) => from(`203.0.113.${index}`)))).toEqual(ids);
  expect((await fetch(url)).headers.get("set-cookie")).toBeNull();
});

test("STICKY_KEY=ip without trusted proxies: a forged X-Forwarded-For changes nothing", async () => {
  const { url } = await start({ STICKY_KEY: "ip" });
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, index) => idOf(url, { "x-forwarded-for": `203.0.113.${index}` })),
  );
  expect(new Set(ids).size).toBe(1);
});

test("STICKY_KEY=room: both peers of a room meet on one replica, rooms spread", async () => {
  const { url } = await start({ STICKY_KEY: "room" });
  const rooms = Array.from({ length: 30 }, (_, index) => `${url}/socket.io/?EIO=4&transport=polling&room=r${index}`);
  const ids = await Promise.all(rooms.map((room) => idOf(room)));
  expect(await Promise.all(rooms.map((room) => idOf(room, { cookie: "sticky=other" })))).toEqual(ids);
  expect(new Set(ids).size).toBe(3);
});

test("STICKY_KEY=random breaks stickiness", async () => {
  const { url } = await start({ STICKY_KEY: "random" });
  const ids = await Promise.all(Array.from({ length: 60 }, () => idOf(`${url}/socket.io/?EIO=4&sid=signaling-1.x`)));
  expect(new Set(ids).size).toBe(3);
});

test("a restarted proxy with the same secret finds each client's replica again", async () => {
  const cookies = Array.from({ length: 50 }, (_, index) => ({ cookie: `sticky=client-${index}` }));
  const first = await start();
  const before = await Promise.all(cookies.map((cookie) => idOf(first.url, cookie)));
  await first[Symbol.asyncDispose]();
  const second = await start();
  expect(await Promise.all(cookies.map((cookie) => idOf(second.url, cookie)))).toEqual(before);
});

test("decisions are counted", async () => {
  const { url, metric } = await start();
  const before = await metric('proxy_routes_total{decision="new"}');
  await fetch(url);
  await fetch(url, { headers: { cookie: "sticky=x" } });
  await fetch(`${url}/socket.io/?EIO=4&sid=signaling-1.x`);
  expect(await metric('proxy_routes_total{decision="new"}')).toBe(before + 1);
  expect(await metric('proxy_routes_total{decision="cookie"}')).toBe(1);
  expect(await metric('proxy_routes_total{decision="session"}')).toBe(1);
});

test("answers name the replica in REPLICA_HEADER, by HTTP and by WebSocket, and by default they do not", async () => {
  const { url, port } = await start({ REPLICA_HEADER: "X-Replica" });
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { cookie: "sticky=x" } });
  const { id } = (await answer.json()) as { id: string };
  expect(answer.headers.get("x-replica")).toBe(id);
  const tunnel = await openTunnel(port, "/ws", ["Cookie: sticky=x"]);
  tunnel.socket.destroy();
  expect(tunnel.head).toContain(`X-Replica: ${id}`);
  await proxy?.[Symbol.asyncDispose]();
  const silent = await start();
  expect((await fetch(silent.url)).headers.get("x-replica")).toBeNull();
});
