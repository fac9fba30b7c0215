import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { balancerConfig } from "../../ops/process/balancer.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type Program, startProgram } from "../support/program.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const dir = mkdtempSync(join(tmpdir(), "balancer-"));
const ids = ["proxy", "proxy-2"] as const;
let upstream: Upstream;
const proxies = new Map<string, ProxyProgram>();
const balancers: Program[] = [];
/** Ports of a balancer that sends PROXY headers, and of one that sends none. */
let port: number;
let mutePort: number;

beforeAll(async () => {
  upstream = await startUpstream("signaling-1");
  const behind: Record<string, number> = {};
  for (const id of ids) {
    behind[id] = await freePort();
    proxies.set(
      id,
      await startProxyProgram([upstream], {
        PROXY_PROTOCOL_PORT: String(behind[id]),
        PROXY_PROTOCOL_FROM: "127.0.0.1",
        PROXIES: "2",
        MAX_SESSIONS_PER_CLIENT_PER_SECOND: "2",
        LOG_LEVEL: "info",
      }),
    );
  }
  const configOf = (bind: number, admin: number, addressOf: (id: string) => number) =>
    balancerConfig(
      process.cwd(),
      { public: [`127.0.0.1:${bind}`], admin: `127.0.0.1:${admin}` },
      ids.map((id) => ({
        id,
        address: `127.0.0.1:${addressOf(id)}`,
        ready: new URL(proxies.get(id)?.admin ?? "").host,
      })),
    );
  [port, mutePort] = [await freePort(), await freePort()];
  const mute = configOf(mutePort, await freePort(), (id) => proxies.get(id)?.port ?? 0).replace(" send-proxy-v2", "");
  for (const [name, text] of [
    ["headers", configOf(port, await freePort(), (id) => behind[id] ?? 0)],
    ["mute", mute],
  ] as const) {
    const path = join(dir, `${name}.cfg`);
    writeFileSync(path, text);
    balancers.push(startProgram("haproxy", ["-q", "-db", "-f", path]));
  }
  for (const way of [port, mutePort])
    await until("both proxies get connections", async () => {
      const before = await admitted();
      await Promise.all(Array.from({ length: 4 }, () => status(way, "/nowhere", "127.0.0.99")));
      return (await admitted()).every((count, index) => count > (before[index] ?? 0));
    });
});
afterAll(async () => {
  for (const program of balancers) await program[Symbol.asyncDispose]();
  for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

/** Requests for unknown paths at each proxy. */
const admitted = () =>
  Promise.all([...proxies.values()].map((proxy) => proxy.metric('proxy_rejected_total{reason="path"}')));

/** Status of a GET from that address, over a connection of its own; 0 without an answer. */
function status(way: number, path: string, localAddress: string): Promise<number> {
  return new Promise((resolve) => {
    get({ port: way, path, host: "127.0.0.1", localAddress, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on("error", () => resolve(0));
  });
}
const open = "/socket.io/?EIO=4&transport=polling";
const flood = (way: number, from: string) => Promise.all(Array.from({ length: 60 }, () => status(way, open, from)));

test("one address over its limit is refused at both proxies, and another behind the same balancer is not", async () => {
  const refusedBefore = await refused();
  const answers = await flood(port, "127.0.0.7");
  expect(await status(port, open, "127.0.0.8")).toBe(200);
  expect(answers.filter((code) => code === 503).length).toBeGreaterThan(10);
  for (const [index, count] of (await refused()).entries()) expect(count).toBeGreaterThan(refusedBefore[index] ?? 0);
});

test("negative control: without the header both addresses share one limit", async () => {
  await flood(mutePort, "127.0.0.7");
  const others = await flood(mutePort, "127.0.0.8");
  expect(others.filter((code) => code === 503).length).toBeGreaterThan(10);
});

const refused = () =>
  Promise.all([...proxies.values()].map((proxy) => proxy.metric('proxy_rejected_total{reason="client-rate"}')));

test("the log of each proxy names the client's own address", async () => {
  const logged = (id: string) =>
    (proxies.get(id)?.program.output() ?? "")
      .split("\n")
      .filter((line) => line.includes('"tunnel closed"') && line.includes('"client":"127.0.0.2'));
  for (let last = 20; last < 36; last += 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, {
      localAddress: `127.0.0.${last}`,
    });
    await new Promise((resolve) => socket.once("upgrade", resolve).once("error", resolve));
    socket.terminate();
  }
  await until("both have logged", () => ids.every((id) => logged(id).length > 0));
});
