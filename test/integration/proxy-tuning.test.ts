import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";
import { startProxyProgram } from "../support/proxy.ts";
import { startUpstream } from "../support/upstream.ts";

/** Makes a program report this version of Node. */
const asNode = (version: string) => [
  "--import",
  `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`,
];

test.each(["proxy/main.ts", "services/signaling/main.ts", "services/caller/main.ts"])(
  "%s refuses a Node that misreads long heads, in one line",
  async (path) => {
    await using program = startProgram(process.execPath, [...asNode("24.18.0"), path], { REPLICAS: "a=http://b" });
    expect(await program.exited).toBe(78);
    expect(program.output()).toMatch(/^\w+: Node 24\.18\.0 is too old: install Node 24\.18\.1 or later .*\n$/);
  },
);

test("a newer major version of Node runs the proxy without tuning, and one line says so", async () => {
  const ports = { PROXY_PORT: String(await freePort()), PROXY_ADMIN_PORT: String(await freePort()) };
  await using program = startProgram(process.execPath, [...asNode("26.0.0"), "proxy/main.ts"], {
    ...ports,
    REPLICAS: "a=http://127.0.0.1:1",
    PROXY_TUNING: "on",
  });
  await until("it listens", () => program.output().includes('"msg":"listening"'), { withinMs: 20_000 });
  const lines = program.output().split("\n");
  const told = lines.filter((line) => line.includes("tuning is off: it was tested on Node 24, this is Node 26.0.0"));
  expect(told).toHaveLength(1);
});

test.each(["on", "off"])("PROXY_TUNING=%s: upgrades and polls work, and Node prints no warning", async (tuning) => {
  await using upstream = await startUpstream("signaling-1");
  await using proxy = await startProxyProgram([upstream], { PROXY_TUNING: tuning });
  const socket = new WebSocket(`${proxy.url.replace("http", "ws")}/ws`);
  // This test's replica answers every key with the same accept value. So the 101 arrives and the client rejects it.
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toContain("Sec-WebSocket-Accept");
  const answer = await fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling`, { headers: { "x-a": "1" } });
  expect(answer.status).toBe(200);
  expect(upstream.seen.at(-1)?.headers["x-a"]).toBe("1");
  expect(proxy.program.output()).not.toMatch(/Warning|DEP\d+|tuning/);
});
