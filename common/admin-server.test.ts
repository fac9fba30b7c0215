import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { type AdminServer, createAdminServer } from "./admin-server.ts";
import { createLog } from "./log.ts";

let server: AdminServer;
afterEach(() => server.close());

async function listen() {
  server = createAdminServer({
    host: "127.0.0.1",
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

test("healthz and metrics are there without being asked for", async () => {
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
