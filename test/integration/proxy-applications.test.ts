import { afterEach, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { exchange } from "../support/raw-socket.ts";
import { startUpstream, type Upstream, type UpstreamOptions } from "../support/upstream.ts";

/** Other applications: plain sids, slow pages, REST, their own kind of readiness. */
let replicas: Upstream[] = [];
let proxy: ProxyProgram | undefined;
async function start(options: UpstreamOptions, env: Record<string, string> = {}, count = 3): Promise<ProxyProgram> {
  const ids = Array.from({ length: count }, (_, index) => `app-${index + 1}`);
  replicas = await Promise.all(ids.map((id) => startUpstream(id, options)));
  proxy = await startProxyProgram(replicas, env);
  return proxy;
}
afterEach(async () => {
  await proxy?.[Symbol.asyncDispose]();
  proxy = undefined;
  for (const replica of replicas) await replica[Symbol.asyncDispose]();
});
/** The requests that reached the replicas, without the check that the proxy listens. */
const seen = () =>
  replicas.flatMap((replica) => replica.seen.map(({ url }) => url)).filter((url) => url !== "/nowhere");
const session = "/socket.io/?EIO=4&transport=polling&sid=kQ8Pb2dnJ7xG1Qm9AAAB";

test("a poll with a plain sid waits as long as its replica holds it, at one replica", async () => {
  const { url } = await start(
    { onRequest: (_incoming, response) => void setTimeout(() => response.end("2"), 1_500) },
    { TRY_TIMEOUT_MS: "200", RETRY_DEADLINE_MS: "400" },
  );
  expect(await (await fetch(`${url}${session}`)).text()).toBe("2");
  expect(seen()).toEqual([session]);
});

test("a request of a session is not repeated at another replica when its replica breaks off", async () => {
  const { url } = await start({ onRequest: (incoming) => incoming.socket.destroy() });
  expect((await fetch(`${url}${session}`)).status).toBe(502);
  expect(seen()).toHaveLength(1);
});

test("a slow page is awaited and not requested from a second replica", async () => {
  const { url } = await start(
    { onRequest: (_incoming, response) => void setTimeout(() => response.end("done"), 1_500) },
    { TRY_TIMEOUT_MS: "200", RETRY_DEADLINE_MS: "400" },
  );
  expect(await (await fetch(`${url}/assets/report`)).text()).toBe("done");
  expect(seen()).toEqual(["/assets/report"]);
});

test("a page whose replica never answers times out after PROXY_TIMEOUT_MS", async () => {
  const { url } = await start({ onRequest: () => undefined }, { PROXY_TIMEOUT_MS: "1000" });
  const startedAt = performance.now();
  expect((await fetch(`${url}/assets/x`)).status).toBe(504);
  expect(performance.now() - startedAt).toBeLessThan(4_000);
  expect(seen()).toHaveLength(1);
});

test("PROXY_PATHS=/*: all paths pass, with every method but CONNECT and TRACE, and bodies up to MAX_BODY_BYTES", async () => {
  const { url, port } = await start(
    { onRequest: (incoming, response) => void incoming.resume().on("end", () => response.end(incoming.method)) },
    { PROXY_PATHS: "/*", MAX_BODY_BYTES: "6000000" },
  );
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    expect(await (await fetch(`${url}/api/things?x=1`, { method })).text()).toBe(method);
  for (const path of ["/main.js", "/", "/a//b"]) expect((await fetch(`${url}${path}`)).status).toBe(200);
  const upload = await fetch(`${url}/upload`, { method: "POST", body: Buffer.alloc(5_000_000) });
  expect([upload.status, await upload.text()]).toEqual([200, "POST"]);
  expect((await fetch(`${url}/upload`, { method: "POST", body: Buffer.alloc(6_000_001) })).status).toBe(413);
  expect((await exchange(port, "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n")).status).toBe(405);
  expect((await exchange(port, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")).status).toBe(405);
});

test("with /* a path passes unchanged, so a path with // is not Engine.IO for the replica either", async () => {
  const { port } = await start({}, { PROXY_PATHS: "/*" }, 1);
  const targets = ["//socket.io/?EIO=4&transport=polling", "/a//b/http:/c?d=//e", "/x/?a=1?b=2"];
  for (const target of targets)
    expect((await exchange(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).status).toBe(200);
  expect(seen()).toEqual(targets);
});

test("/api/* is a prefix with all methods and does not affect other paths", async () => {
  const { url } = await start({}, { PROXY_PATHS: "/api/*,/assets/" });
  expect((await fetch(`${url}/api/x`, { method: "POST" })).status).toBe(200);
  expect((await fetch(`${url}/assets/x`, { method: "POST" })).status).toBe(405);
  expect((await fetch(`${url}/api`)).status).toBe(404);
});

test("the log and /replicas show the reason of a failed readiness", async () => {
  // No probe is late: that would be another reason, and the first one would be told again.
  const { program, admin, replica } = await start({}, { PROBE_TIMEOUT_MS: "5000" }, 1);
  const [app] = replicas as [Upstream];
  app.ready = { status: 404, body: "no such page" };
  await until("it is down", async () => (await replica("app-1")).state === "down");
  const [row] = (await (await fetch(`${admin}/replicas`)).json()) as { reason: string }[];
  expect(row?.reason).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/readyz: it answered 404$/);
  const told = () => program.output().match(/it answered 404/g)?.length ?? 0;
  await until("the log says it", () => told() > 0);
  app.ready = { status: 200, body: "fine" };
  await until("it is back", async () => (await replica("app-1")).state === "ready");
  expect(told()).toBe(1);
  expect(await (await fetch(`${admin}/replicas`)).text()).not.toMatch("reason");
});

test("polling requests at the wrong replica are counted, and the log says once what to do", async () => {
  const { url, metric, program } = await start({
    onRequest: (_incoming, response) => response.writeHead(400).end('{"code":1,"message":"Session ID unknown"}'),
  });
  for (let i = 0; i < 3; i++) expect((await fetch(`${url}${session}`)).status).toBe(400);
  expect(await metric("proxy_unknown_sessions_total")).toBe(3);
  const told = () => program.output().match(/withCredentials/g)?.length ?? 0;
  await until("the log says it", () => told() > 0);
  expect(told()).toBe(1);
});

test("STICKY_ROOM: the room is a part of the path, or another parameter", async () => {
  const rooms = Array.from({ length: 20 }, (_, index) => `room-${index}`);
  const idOf = async (target: string) => ((await (await fetch(target)).json()) as { id: string }).id;
  const byPath = await start({}, { STICKY_KEY: "room", STICKY_ROOM: "path:2", PROXY_PATHS: "/*" });
  const ids = await Promise.all(rooms.map((room) => idOf(`${byPath.url}/call/${room}/join`)));
  expect(new Set(ids).size).toBe(3);
  expect(await Promise.all(rooms.map((room) => idOf(`${byPath.url}/other/${room}?x=1`)))).toEqual(ids);
  await byPath[Symbol.asyncDispose]();
  proxy = await startProxyProgram(replicas, { STICKY_KEY: "room", STICKY_ROOM: "query:r" });
  expect(await Promise.all(rooms.map((room) => idOf(`${proxy?.url}/?r=${room}`)))).toEqual(ids);
});

/** Three servers with plain sids. Each knows only its own sessions. */
async function startPlain(): Promise<ProxyProgram> {
  const mine = new Map<number | undefined, Set<string>>();
  let made = 0;
  return start({
    onRequest(incoming, response) {
      const sessions = mine.get(incoming.socket.localPort) ?? new Set<string>();
      mine.set(incoming.socket.localPort, sessions);
      const sid = new URL(incoming.url ?? "", "http://app").searchParams.get("sid");
      if (sid === null) {
        made += 1;
        sessions.add(`plain${made}`);
        response.end(`0{"sid":"plain${made}"}`);
      } else if (sessions.has(sid)) response.end(`at ${incoming.socket.localPort}`);
      else response.writeHead(400).end('{"code":1,"message":"Session ID unknown"}');
    },
  });
}

/** A client that handles cookies like a browser. */
function browser(url: string) {
  const cookies = new Map<string, string>();
  return {
    async ask(query: string): Promise<string> {
      const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
      const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling${query}`, { headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [name = "", value = ""] = (line.split(";", 1)[0] as string).split("=", 2);
        cookies.set(name, value);
      }
      return answer.text();
    },
  };
}

test("sessions with plain sids stay on their replica while another one stops and starts", async () => {
  const { url, call } = await startPlain();
  const clients = Array.from({ length: 12 }, () => browser(url));
  const sids: string[] = [];
  const homes: string[] = [];
  for (const client of clients) {
    const sid = /"sid":"(\w+)"/.exec(await client.ask(""))?.[1] ?? "";
    sids.push(sid);
    homes.push(await client.ask(`&sid=${sid}`));
  }
  const away = replicas[0] as Upstream;
  const where = () => Promise.all(clients.map((client, index) => client.ask(`&sid=${sids[index]}`)));
  const spec = { url: `http://127.0.0.1:${away.port}`, readyUrl: `http://127.0.0.1:${away.port}/readyz` };
  expect((await call("DELETE", "/replicas/app-1")).status).toBe(200);
  const without = await where();
  without.forEach((home, index) => {
    if (homes[index] === `at ${away.port}`) expect(home).toMatch("unknown");
    else expect(home).toBe(homes[index]);
  });
  // Clients that lost their session open a new one on another replica, and stay there when the first is back.
  for (const [index, client] of clients.entries()) {
    if (homes[index] !== `at ${away.port}`) continue;
    sids[index] = /"sid":"(\w+)"/.exec(await client.ask(""))?.[1] ?? "";
    homes[index] = await client.ask(`&sid=${sids[index]}`);
    expect(homes[index]).not.toBe(`at ${away.port}`);
  }
  expect((await call("PUT", "/replicas/app-1", spec)).status).toBe(201);
  expect(await where()).toEqual(homes);
});

test("a browser with two tabs on two replicas keeps both; its cookie does not move new sessions", async () => {
  const { url, call } = await startPlain();
  const tabs = browser(url);
  const open = async () => /"sid":"(\w+)"/.exec(await tabs.ask(""))?.[1] ?? "";
  const first = await open();
  const firstHome = await tabs.ask(`&sid=${first}`);
  const home = replicas.find(({ port }) => firstHome === `at ${port}`)?.id ?? "";
  await call("POST", `/replicas/${home}/drain`);
  const second = await open();
  const secondHome = await tabs.ask(`&sid=${second}`);
  expect(secondHome).not.toBe(firstHome);
  await call("POST", `/replicas/${home}/undrain`);
  expect(await tabs.ask(`&sid=${second}`)).toBe(secondHome);
  expect(await tabs.ask(`&sid=${first}`)).toBe(firstHome);
  const third = await open();
  expect(await tabs.ask(`&sid=${third}`)).toBe(firstHome);
});
