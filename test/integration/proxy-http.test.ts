import { once } from "node:events";
import { Agent, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { exchange, openTunnel } from "../support/raw-socket.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../support/upstream.ts";

let upstream: Upstream;
let proxy: ProxyProgram;
async function start(options: UpstreamOptions = {}, env: Record<string, string> = {}): Promise<void> {
  upstream = await startUpstream("signaling-1", options);
  proxy = await startProxyProgram([upstream], env);
}
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
const session = "/socket.io/?EIO=4&transport=polling&sid=signaling-1.x";

test("connections to replicas and of clients are kept and used again", async () => {
  await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let connections = 0;
  const before = upstream.connections();
  for (let i = 0; i < 50; i++) {
    const outgoing = request({ port: proxy.port, host: "127.0.0.1", path: session, agent }).end();
    const [answer] = await once(outgoing, "response");
    if (!outgoing.reusedSocket) connections += 1;
    await once(answer.resume(), "end");
  }
  agent.destroy();
  expect(connections).toBe(1);
  expect(upstream.seen.filter(({ url }) => url === session)).toHaveLength(50);
  // One connection carries the requests. The others are probes.
  expect(new Set(upstream.seen.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  expect(upstream.connections() - before).toBeLessThan(10);
});

test("pipelined requests are served one after the other, in order", async () => {
  let [under, most] = [0, 0];
  await start({
    onRequest(incoming, response) {
      under += 1;
      most = Math.max(most, under);
      setTimeout(() => {
        under -= 1;
        response.end(`<${incoming.url?.split("n=")[1]}>`);
      }, 2);
    },
  });
  const requests = Array.from({ length: 50 }, (_, n) => `GET ${session}&n=${n} HTTP/1.1\r\nHost: x\r\n\r\n`);
  requests[49] = (requests[49] as string).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const answer = await exchange(proxy.port, requests.join(""), 10_000);
  expect(answer.closed).toBe(true);
  expect(answer.text.match(/<\d+>/g)).toEqual(Array.from({ length: 50 }, (_, n) => `<${n}>`));
  expect(most).toBe(1);
});

test("answers and bodies stream: the first part arrives before the last is sent", async () => {
  let finish: (() => void) | undefined;
  await start({
    async onRequest(incoming, response) {
      const [first] = await once(incoming, "data");
      response.write(`got ${first}`);
      finish = () => response.end(" end");
    },
  });
  const outgoing = request({ port: proxy.port, host: "127.0.0.1", path: session, method: "POST" });
  outgoing.write("part one");
  const [answer] = await once(outgoing, "response");
  const [chunk] = await once(answer, "data");
  expect(String(chunk)).toBe("got part one");
  outgoing.end();
  finish?.();
  await once(answer.resume(), "end");
});

test.each([
  ["HTTP/1.0 without Host", "GET", "1.0", [], "", { host: "" }],
  ["a POST without a body", "POST", "1.1", ["Host: a"], "", { host: "a", "content-length": "0" }],
  ["a DELETE without a body", "DELETE", "1.1", ["Host: a"], "", { host: "a" }],
  ["a POST with a body", "POST", "1.1", ["Host: a", "Content-Length: 2"], "hi", { "content-length": "2" }],
  ["a header twice", "GET", "1.1", ["Host: a", "X-A: 1", "X-A: 2"], "", { "x-a": "1, 2" }],
])("%s reaches the replica as a request of HTTP/1.1", async (_, method, version, lines, body, headers) => {
  const got: string[] = [];
  await start({
    async onRequest(incoming, response) {
      for await (const chunk of incoming) got.push(String(chunk));
      response.end("got it");
    },
  });
  const head = [`${method} ${session} HTTP/${version}`, "Connection: close", ...lines, "", body];
  const answer = await exchange(proxy.port, head.join("\r\n"));
  expect(answer.status).toBe(200);
  const seen = upstream.seen.find(({ url }) => url === session);
  expect(seen?.method).toBe(method);
  expect(seen?.headers).toMatchObject(headers);
  expect(seen?.headers).not.toHaveProperty("transfer-encoding");
  expect(got.join("")).toBe(body);
});

test("a client that aborts its poll frees the replica's side", async () => {
  const held: ServerResponse[] = [];
  await start({ onRequest: (_incoming, response) => void held.push(response) });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.write(`GET ${session} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await until("the poll is held", () => held.length > 0);
  socket.destroy();
  await until("the replica's side is closed", () => held.at(-1)?.closed);
});

test("an answer that breaks off also breaks off for the client, and the proxy goes on", async () => {
  await start({
    onRequest(incoming, response) {
      if (!incoming.url?.includes("break")) return response.end("whole");
      response.writeHead(200, { "content-length": 100 }).write("half");
      setTimeout(() => incoming.socket.resetAndDestroy(), 20);
    },
  });
  const answer = await exchange(proxy.port, `GET ${session}&break HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(answer).toMatchObject({ status: 200, closed: true });
  expect(answer.text).toMatch(/half$/);
  expect(await (await fetch(`${proxy.url}/`)).text()).toBe("whole");
});

test("a poll may last longer than a try; only a silent replica times out", async () => {
  await start(
    {
      onRequest: (incoming, response) => void setTimeout(() => response.end(), incoming.url?.includes("x&") ? 700 : 0),
    },
    { TRY_TIMEOUT_MS: "200", RETRY_DEADLINE_MS: "400" },
  );
  expect((await fetch(`${proxy.url}${session}&`)).status).toBe(200);
});

test("a handshake without an answer gets 504 after the retry deadline", async () => {
  await start({ onRequest: () => undefined }, { TRY_TIMEOUT_MS: "200", RETRY_DEADLINE_MS: "400" });
  expect((await fetch(`${proxy.url}/socket.io/?EIO=4&transport=polling`)).status).toBe(504);
});

test("a slow reader holds the replica back and is not buffered for", async () => {
  let sent = 0;
  const total = 60_000_000;
  await start({
    onRequest(_incoming, response) {
      const piece = Buffer.alloc(100_000);
      const more = () => {
        while (sent < total) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    },
  });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.write(`GET ${session} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(socket, "readable");
  let last = -1;
  await until("the replica stands still", async () => {
    const still = sent === last && sent > 0;
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return still;
  });
  expect(sent).toBeLessThan(total / 2);
  socket.destroy();
});

test("hop-by-hop and software headers stay on their side", async () => {
  await start();
  const answer = await exchange(
    proxy.port,
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Drop\r\nX-Drop: 1\r\nTE: trailers\r\nX-Keep: 1\r\n\r\n",
  );
  expect(answer.closed).toBe(true);
  expect(answer.text.split("\r\n\r\n", 1)[0]).not.toMatch(/secret|x-powered-by|keep-alive/i);
  const { headers } = upstream.seen.at(-1) as { headers: Record<string, string> };
  expect(headers).toMatchObject({ "x-keep": "1", "x-forwarded-for": "127.0.0.1" });
  for (const name of ["x-drop", "te"]) expect(headers).not.toHaveProperty(name);
});

test("SIGTERM: listening ends, a request under way is answered, tunnels are closed, exit 0", async () => {
  const held: ServerResponse[] = [];
  await start({ onRequest: (_incoming, response) => void held.push(response) });
  const { socket } = await openTunnel(proxy.port);
  const answered = fetch(`${proxy.url}${session}`);
  await until("it is under way", () => held.length === 1);
  proxy.program.kill("SIGTERM");
  const isRefused = () =>
    fetch(`${proxy.url}/nowhere`).then(
      () => false,
      () => true,
    );
  await until("listening has ended", isRefused);
  held[0]?.end("done");
  expect(await (await answered).text()).toBe("done");
  if (!socket.resume().closed) await once(socket, "close");
  expect(await proxy.program.exited).toBe(0);
});

test("each request has a log line with its route, and neither query nor cookie is in it", async () => {
  await start({}, { LOG_LEVEL: "debug" });
  await fetch(`${proxy.url}${session}`, { headers: { cookie: "sticky=topsecret" } });
  const lines = () =>
    proxy.program
      .output()
      .split("\n")
      .filter((line) => line.includes('"path":"/socket.io/"'))
      .map((line) => JSON.parse(line));
  const [line] = await until("it is logged", () => (lines().length > 0 ? lines() : undefined));
  expect(line).toMatchObject({
    level: "debug",
    service: "proxy",
    decision: "session",
    replica: "signaling-1",
    status: 200,
    retries: 0,
    client: "127.0.0.1",
    method: "GET",
    traceId: upstream.seen.at(-1)?.headers["x-request-id"],
  });
  expect(proxy.program.output()).not.toMatch(/topsecret|sid=/);
});
