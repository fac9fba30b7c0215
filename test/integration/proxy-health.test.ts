import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type Program, startProgram } from "../support/program.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnel } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of disposables.splice(0)) await one[Symbol.asyncDispose]();
});
function owned<T extends AsyncDisposable>(one: T): T {
  disposables.push(one);
  return one;
}

async function startReplica(id: string): Promise<{ id: string; port: number; program: Program }> {
  const port = await freePort();
  const program = owned(startProgram(process.execPath, ["test/support/replica-process.ts", id, String(port)]));
  await until(`${id} is ready`, async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  return { id, port, program };
}
const upstream = async (id: string): Promise<Upstream> => owned(await startUpstream(id));
const proxyFor = async (replicas: { id: string; port: number }[], env: Record<string, string> = {}) =>
  owned(await startProxyProgram(replicas, env));

const closed = async (socket: Socket) => {
  if (!socket.resume().closed) await once(socket, "close");
};
const stateIs = (proxy: ProxyProgram, id: string, state: string, withinMs = 5_000) =>
  until(`${id} is ${state}`, async () => (await proxy.replica(id)).state === state, { withinMs });
const poll = (proxy: ProxyProgram, sid: string, extra = "") =>
  fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling&sid=${sid}${extra}`);
/** Opens tunnels until one is on each of these replicas. */
async function tunnelOnEach(proxy: ProxyProgram, ids: string[]): Promise<Map<string, Socket>> {
  const sockets = new Map<string, Socket>();
  for (const id of ids)
    sockets.set(id, (await openTunnel(proxy.port, `/socket.io/?EIO=4&transport=websocket&sid=${id}.x`)).socket);
  return sockets;
}

test("within 2 s a frozen replica is ejected, its tunnels are cut and its polls end", async () => {
  const [frozen, other] = [await startReplica("signaling-1"), await startReplica("signaling-2")];
  const proxy = await proxyFor([frozen, other]);
  const sockets = await tunnelOnEach(proxy, ["signaling-1", "signaling-2"]);
  const hanging = poll(proxy, "signaling-1.poll", "&hang");
  const routed = () => proxy.metric('proxy_routes_total{decision="session"}');
  await until("the poll is routed there, as the two tunnels were", async () => (await routed()) === 3);
  const frozenAt = performance.now();
  frozen.program.kill("SIGSTOP");
  await closed(sockets.get("signaling-1") as Socket);
  expect(performance.now() - frozenAt).toBeLessThan(2_000);
  const ended = await hanging;
  expect(performance.now() - frozenAt).toBeLessThan(2_000);
  expect(ended.status).toBe(400);
  expect(await ended.json()).toEqual({ code: 1, message: "Session ID unknown" });
  expect(sockets.get("signaling-2")?.closed).toBe(false);
  expect((await proxy.replica("signaling-1")).state).toBe("down");
  expect(await proxy.metric('proxy_replica_ejections_total{replica="signaling-1",cause="timeout"}')).toBe(1);
  frozen.program.kill("SIGCONT");
  await stateIs(proxy, "signaling-1", "ready");
});

test("a killed replica's sessions are unknown at once, new sessions go to another replica without an error", async () => {
  const [killed, other] = [await startReplica("signaling-1"), await startReplica("signaling-2")];
  const proxy = await proxyFor([killed, other]);
  await tunnelOnEach(proxy, ["signaling-1"]);
  await killed.program[Symbol.asyncDispose]();
  expect((await poll(proxy, "signaling-1.abc")).status).toBe(400);
  for (let i = 0; i < 30; i++) expect(await (await fetch(`${proxy.url}/`)).text()).toBe("signaling-2");
  for (let i = 0; i < 30; i++) (await openTunnel(proxy.port)).socket.destroy();
  await stateIs(proxy, "signaling-1", "down", 2_000);
  expect(await proxy.metric('proxy_retries_total{replica="signaling-1"}')).toBeGreaterThan(0);
  expect(await proxy.metric("proxy_unknown_sessions_total")).toBeGreaterThan(0);
  expect((await proxy.replica("signaling-1")).tunnels).toBe(0);
});

test("a frozen last replica is not ejected by time-outs", async () => {
  const only = await startReplica("signaling-1");
  const proxy = await proxyFor([only], { PROBE_INTERVAL_MS: "100", PROBE_TIMEOUT_MS: "100" });
  const [socket] = (await tunnelOnEach(proxy, ["signaling-1"])).values();
  only.program.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  only.program.kill("SIGCONT");
  expect((await proxy.replica("signaling-1")).state).toBe("ready");
  expect(socket?.closed).toBe(false);
});

test("a stall of the proxy itself during a probe ejects no replica", async () => {
  const replicas = [await upstream("signaling-1"), await upstream("signaling-2")];
  // An answer that this process gives 700 ms late is no failure. The stall is longer than the time-out.
  const proxy = await proxyFor(replicas, { PROBE_FALL: "1", PROBE_TIMEOUT_MS: "1000" });
  const sockets = await tunnelOnEach(proxy, ["signaling-1", "signaling-2"]);
  for (const replica of replicas) replica.ready.afterMs = 300;
  for (let round = 0; round < 3; round++) {
    const [first] = replicas as [Upstream];
    const seen = first.probes;
    await until("a probe is under way", () => first.probes > seen);
    proxy.program.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 1_800));
    proxy.program.kill("SIGCONT");
    await until("it answers again", async () => (await fetch(`${proxy.admin}/healthz`)).ok);
  }
  for (const { id } of replicas) {
    expect((await proxy.replica(id)).state).toBe("ready");
    expect(sockets.get(id)?.closed).toBe(false);
  }
});

test("resets of single connections eject no replica", async () => {
  const resetting = owned(
    await startUpstream("signaling-1", {
      onRequest: (request) => request.socket.resetAndDestroy(),
      onUpgrade: (_request, socket) => socket.resetAndDestroy(),
    }),
  );
  const proxy = await proxyFor([resetting]);
  for (let i = 0; i < 20; i++) {
    expect((await fetch(`${proxy.url}/`)).status).toBe(502);
    await expect(openTunnel(proxy.port)).rejects.toThrow("502");
  }
  expect((await proxy.replica("signaling-1")).state).toBe("ready");
});

test("draining: sessions and tunnels stay, new ones go to other replicas at once, whether the replica or the proxy drains it", async () => {
  const [first, second] = [await upstream("signaling-1"), await upstream("signaling-2")];
  const proxy = await proxyFor([first, second]);
  const sockets = await tunnelOnEach(proxy, ["signaling-1"]);
  const newOnes = async () =>
    new Set(await Promise.all(Array.from({ length: 20 }, async () => (await (await fetch(proxy.url)).json()).id)));
  expect(await newOnes()).toEqual(new Set(["signaling-1", "signaling-2"]));

  expect((await proxy.call("POST", "/replicas/signaling-1/drain")).status).toBe(200);
  expect((await proxy.replica("signaling-1")).state).toBe("draining");
  expect(await newOnes()).toEqual(new Set(["signaling-2"]));
  expect((await poll(proxy, "signaling-1.abc")).status).toBe(200);
  await proxy.call("POST", "/replicas/signaling-1/undrain");
  expect((await proxy.replica("signaling-1")).state).toBe("ready");

  first.ready = { status: 503, body: { node: "signaling-1", state: "draining" } };
  await stateIs(proxy, "signaling-1", "draining", 1_500);
  expect(await newOnes()).toEqual(new Set(["signaling-2"]));
  expect((await poll(proxy, "signaling-1.abc")).status).toBe(200);
  expect(sockets.get("signaling-1")?.closed).toBe(false);
});

test("a replica degraded beside a ready one is shed at the configured pace, tunnels and polls alike", async () => {
  const [first, second] = [await upstream("signaling-1"), await upstream("signaling-2")];
  const proxy = await proxyFor([first, second], { SHED_AFTER_MS: "500", SHED_PER_SECOND: "20" });
  const cutAt: number[] = [];
  for (let i = 0; i < 15; i++) {
    const { socket } = await openTunnel(proxy.port, `/socket.io/?EIO=4&transport=websocket&sid=signaling-1.t${i}`);
    socket.resume().once("close", () => cutAt.push(performance.now()));
  }
  for (let i = 0; i < 5; i++) expect((await poll(proxy, `signaling-1.p${i}`)).status).toBe(200);

  first.ready = { status: 200, body: { state: "degraded", reason: "no backplane" } };
  await stateIs(proxy, "signaling-1", "degraded", 1_500);
  expect((await poll(proxy, "signaling-1.p0")).status).toBe(200);
  const polls = () => Promise.all([0, 1, 2, 3, 4].map(async (i) => (await poll(proxy, `signaling-1.p${i}`)).status));
  await until("all are moved", async () => cutAt.length === 15 && (await polls()).every((status) => status === 400));
  const spanMs = (cutAt.at(-1) as number) - (cutAt[0] as number);
  expect(spanMs).toBeGreaterThan(500);
  expect(spanMs).toBeLessThan(2_500);
  expect(await proxy.metric('proxy_tunnels_closed_total{replica="signaling-1",reason="shed"}')).toBe(15);
});

test("when all are degraded they still serve, and no session moves", async () => {
  const replicas = [await upstream("signaling-1"), await upstream("signaling-2")];
  // One may be probed an interval before the other. So long it is degraded beside a ready one.
  const proxy = await proxyFor(replicas, { SHED_AFTER_MS: "1500" });
  const sockets = await tunnelOnEach(proxy, ["signaling-1", "signaling-2"]);
  for (const replica of replicas) replica.ready = { status: 200, body: { state: "degraded" } };
  for (const { id } of replicas) await stateIs(proxy, id, "degraded");
  await new Promise((resolve) => setTimeout(resolve, 2_200));
  expect((await fetch(proxy.url)).status).toBe(200);
  for (const socket of sockets.values()) expect(socket.closed).toBe(false);
  expect((await fetch(`${proxy.admin}/readyz`)).status).toBe(200);
});

test("without any replica the answer is 503 with Retry-After, and readyz 503", async () => {
  const only = await startReplica("signaling-1");
  const proxy = await proxyFor([only]);
  await only.program[Symbol.asyncDispose]();
  await stateIs(proxy, "signaling-1", "down");
  const answer = await fetch(proxy.url);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await fetch(`${proxy.admin}/readyz`)).status).toBe(503);
});
