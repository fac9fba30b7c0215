import { request } from "node:http";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { type AdminServer, createAdminServer } from "./admin-server.ts";
import { createLog } from "./log.ts";

let server: AdminServer;
afterEach(() => server.close());

async function listen(options: { host?: string; token?: string } = {}) {
  server = createAdminServer({
    host: "127.0.0.1",
    ...options,
    port: 0,
    registry: new Registry(),
    log: createLog({ service: "test", level: "fatal" }),
    hostnames: ["proxy"],
    routes: {
      "PUT /replicas/:id": ({ params, body }) => ({ status: 201, body: { id: params["id"], body } }),
      "GET /broken": () => {
        throw new Error("secret detail");
      },
    },
  });
  return `http://127.0.0.1:${(await server.listen()).port}`;
}

const json = { "content-type": "application/json" };

test("every admin server has healthz and metrics", async () => {
  const url = await listen();
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true });
  expect((await fetch(`${url}/metrics`)).headers.get("content-type")).toMatch("text/plain");
});

test("a mutation gets its parameters and its JSON", async () => {
  const url = await listen();
  const response = await fetch(`${url}/replicas/signaling-4`, { method: "PUT", headers: json, body: '{"url":"x"}' });
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ id: "signaling-4", body: { url: "x" } });
});

test("a path parameter is decoded exactly; a broken escape is 400", async () => {
  const url = await listen();
  for (const id of ["a b", "é", "🙂", "a/b", "it's", "%", "a?b#c", "日本"]) {
    const response = await fetch(`${url}/replicas/${encodeURIComponent(id)}`, { method: "PUT", headers: json });
    expect(await response.json()).toEqual({ id });
  }
  expect((await fetch(`${url}/replicas/%zz`, { method: "PUT", headers: json })).status).toBe(400);
});

test("no web page can send a mutation", async () => {
  const url = await listen();
  const put = (headers: Record<string, string>, body = "{}") =>
    fetch(`${url}/replicas/a`, { method: "PUT", headers, body }).then((response) => response.status);
  expect(await put({ ...json, origin: "http://evil.example" })).toBe(403);
  expect(await put({ "content-type": "text/plain" })).toBe(415);
  expect(await put(json, "{")).toBe(400);
  expect(await put(json, JSON.stringify("x".repeat(70_000)))).toBe(413);
});

test("unknown paths, wrong methods and broken routes answer in one line without detail", async () => {
  const url = await listen();
  expect((await fetch(`${url}/nope`)).status).toBe(404);
  expect((await fetch(`${url}/replicas/a`)).status).toBe(405);
  const broken = await fetch(`${url}/broken`);
  expect(broken.status).toBe(500);
  expect(await broken.text()).not.toMatch("secret detail");
});

/** The status of a request whose `Host` is chosen freely, as a rebound page's is. */
function statusFor(url: string, host: string, options: { method?: string; headers?: object; path?: string } = {}) {
  const { method = "GET", headers = {}, path = "/healthz" } = options;
  return new Promise<number>((resolve, reject) => {
    const asked = request(url, { method, path, headers: { ...headers, host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject).end();
  });
}

test.each([
  "evil.example",
  "evil.example:9100",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "10.0.0.7",
  "[2001:db8::1]",
  "localhost@evil.example",
  "proxy, evil.example",
  ":9100",
])("every request for the host %j is answered 421", async (host) => {
  const url = await listen();
  for (const path of ["/healthz", "/metrics", "/nope"]) expect(await statusFor(url, host, { path })).toBe(421);
  expect(await statusFor(url, host, { method: "PUT", path: "/replicas/a", headers: json })).toBe(421);
});

test.each(["localhost", "LOCALHOST:1", "127.0.0.1:9100", "127.8.8.8", "[::1]:9100", "proxy", "Proxy:9100"])(
  "the host %j is this listener's own",
  async (host) => {
    expect(await statusFor(await listen(), host)).toBe(200);
  },
);

test("a request target that names another host, and a second Host header, are refused", async () => {
  const url = await listen();
  expect(await statusFor(url, "localhost", { path: "http://evil.example/healthz" })).toBe(400);
  expect(await statusFor(url, "localhost", { path: "*" })).toBe(400);
  const doubled = new Promise<number>((resolve, reject) => {
    const headers = ["Host", "localhost", "Host", "evil.example"];
    request(url, { headers }, (response) => resolve(response.resume().statusCode ?? 0))
      .on("error", reject)
      .end();
  });
  expect(await doubled).toBe(400);
});

test("with a token every mutation needs it, and reading does not", async () => {
  const token = "0123456789abcdef-token";
  const url = await listen({ token });
  const put = (authorization?: string) =>
    fetch(`${url}/replicas/a`, {
      method: "PUT",
      headers: authorization === undefined ? json : { ...json, authorization },
      body: "{}",
    });
  const refused = await put();
  expect(refused.status).toBe(401);
  expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer/);
  for (const wrong of ["Bearer ", `Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`, token])
    expect((await put(wrong)).status).toBe(401);
  expect((await put(`Bearer ${token}`)).status).toBe(201);
  expect((await put(`bearer ${token}`)).status).toBe(201);
  // A request without the right to mutate does not learn which paths exist.
  expect((await fetch(`${url}/nope`, { method: "POST", headers: json })).status).toBe(401);
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
});

test("without a token a listener beyond loopback refuses every mutation", async () => {
  const url = await listen({ host: "0.0.0.0" });
  const refused = await fetch(`${url}/replicas/a`, { method: "PUT", headers: json, body: "{}" });
  expect(refused.status).toBe(403);
  expect(await refused.text()).toMatch("ADMIN_TOKEN");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});
