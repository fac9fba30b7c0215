import { afterAll, beforeAll, expect, test } from "vitest";
import { checks, type Finding, type Subject } from "../../ops/app/adopt-checks.ts";
import { checkEnd, checkFreeze, checkReturn, processOf } from "../../ops/app/signal-checks.ts";
import { startProxyProgram } from "../support/proxy.ts";
import { startStack } from "../support/stack.ts";
import { type Chats, startChats, startForgetful, startRoundRobin } from "./chat.ts";

let chats: Chats;
beforeAll(async () => {
  chats = await startChats();
});
afterAll(() => chats?.[Symbol.asyncDispose]());

/** The result of one check. */
function find(name: string, url: string, more: Partial<Subject> = {}): Promise<Finding> {
  const check = checks.find((one) => one.name === name);
  if (check === undefined) throw new Error(`no check ${name}`);
  return check.run({
    url: new URL(url),
    readyUrl: new URL("/health", url),
    enginePath: "/socket.io/",
    websocketPath: undefined,
    paths: [],
    uploadPath: undefined,
    slowPath: undefined,
    idleMs: 4_000,
    ...more,
  });
}
const ready = () =>
  chats.replicas.map(({ id, port }) => `${id}=http://127.0.0.1:${port}|http://127.0.0.1:${port}/health`).join(",");

test("an idle poll that a balancer times out breaks, and the line to change is a time-out", async () => {
  await using balancer = await startRoundRobin([chats.replicas[0]?.port ?? 0], { timeoutMs: 2_000 });
  const found = await find("an idle poll", balancer.url);
  expect(found).toMatchObject({ kind: "breaks", change: expect.stringContaining("PROXY_TIMEOUT_MS") });
  expect(found.said).toMatch(/ended after 2\.\d s with 504/);
});

test("a slow answer that a balancer times out breaks", async () => {
  await using balancer = await startRoundRobin([chats.replicas[0]?.port ?? 0], { timeoutMs: 2_000 });
  expect(await find("a slow answer", balancer.url, { slowPath: "/slow" })).toMatchObject({
    kind: "breaks",
    said: expect.stringMatching(/answers 504 after 2/),
  });
});

test("paths and methods that the proxy does not pass break, and PROXY_PATHS is named", async () => {
  await using proxy = await startProxyProgram([], { REPLICAS: ready() });
  expect(await find("paths", proxy.url, { paths: ["/", "/main.js"] })).toMatchObject({
    kind: "breaks",
    said: "GET /main.js answers 404",
    change: expect.stringContaining("PROXY_PATHS"),
  });
  expect(await find("upload", proxy.url, { uploadPath: "/" })).toMatchObject({ kind: "breaks" });
});

test("an upload over the limit breaks, and the limit is named", async () => {
  await using proxy = await startProxyProgram([], {
    REPLICAS: ready(),
    PROXY_PATHS: "/socket.io/,/uploads",
    ENGINE_IO_PATHS: "/socket.io/,/uploads",
    MAX_BODY_BYTES: "1048576",
  });
  expect(await find("upload", proxy.url, { uploadPath: "/uploads" })).toMatchObject({
    kind: "breaks",
    change: expect.stringContaining("MAX_BODY_BYTES"),
  });
});

test("a readiness path that does not answer 2xx breaks, and APP_READY is named", async () => {
  const url = `http://127.0.0.1:${chats.replicas[0]?.port}`;
  expect(await find("readiness", url, { readyUrl: new URL("/nothing", url) })).toMatchObject({
    kind: "breaks",
    change: expect.stringContaining("APP_READY"),
  });
});

test("plain session ids and no cookie break, and generateId is named; with cookies they hold", async () => {
  await using proxy = await startProxyProgram([], { REPLICAS: ready() });
  expect(await find("clients without cookies", proxy.url)).toMatchObject({
    kind: "breaks",
    said: expect.stringContaining("Session ID unknown"),
    change: expect.stringContaining("generateId"),
  });
  expect(await find("sessions stay on one replica", proxy.url)).toMatchObject({ kind: "ok" });
});

test("a balancer that is not sticky breaks sessions, and one without WebSocket the upgrade", async () => {
  await using balancer = await startRoundRobin(
    chats.replicas.map(({ port }) => port),
    { upgrades: false },
  );
  expect(await find("sessions stay on one replica", balancer.url)).toMatchObject({
    kind: "breaks",
    change: expect.stringContaining("sticky"),
  });
  expect(await find("WebSocket", balancer.url)).toMatchObject({
    kind: "breaks",
    change: expect.stringContaining("Upgrade"),
  });
});

test("behind the proxy a frozen process loses its connections; without a proxy they stay open", async () => {
  const [first] = chats.replicas;
  if (first === undefined) throw new Error("no chat runs");
  await using proxy = await startProxyProgram([], { REPLICAS: ready() });
  expect(await checkFreeze(new URL("/socket.io/", proxy.url), processOf(first.pid))).toMatchObject({ kind: "ok" });
  expect(
    await checkFreeze(new URL("/socket.io/", `http://127.0.0.1:${first.port}`), processOf(first.pid)),
  ).toMatchObject({ kind: "breaks", change: expect.stringContaining("readiness") });
});

test("a returning replica takes sessions from others behind a balancer without memory, and not behind this proxy", async () => {
  const [first] = chats.replicas;
  if (first === undefined) throw new Error("no chat runs");
  await using balancer = await startForgetful(chats.replicas.map(({ port }) => port));
  expect(await checkReturn(new URL("/socket.io/", balancer.url), processOf(first.pid))).toMatchObject({
    kind: "breaks",
    said: expect.stringMatching(/lost after its return.*Session ID unknown/),
  });
  await using proxy = await startProxyProgram([], { REPLICAS: ready() });
  expect(await checkReturn(new URL("/socket.io/", proxy.url), processOf(first.pid))).toMatchObject({
    kind: "ok",
    said: "11 sessions opened meanwhile stayed on their replicas",
  });
});

test("on the project's own stack nothing breaks", async () => {
  await using stack = await startStack();
  for (const { name } of checks) {
    const { url } = stack.proxy;
    const found = await find(name, url, { readyUrl: new URL("/", url), paths: ["/"] });
    expect([name, found.kind]).toEqual([name, expect.stringMatching(/^(ok|not tried)$/)]);
  }
  const [replica] = stack.replicas;
  if (replica === undefined) throw new Error("no replica runs");
  const target = new URL("/socket.io/", stack.proxy.url);
  expect(await checkFreeze(target, processOf(replica.program.pid))).toMatchObject({ kind: "ok" });
  expect(await checkReturn(target, processOf(replica.program.pid))).toMatchObject({ kind: "ok" });
  expect(await checkEnd(target, processOf(replica.program.pid))).toMatchObject({ kind: "ok" });
});
