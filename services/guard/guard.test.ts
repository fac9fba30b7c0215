import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLog } from "../../common/log.ts";
import { createGuard } from "./guard.ts";

/** The requests that reach the guarded server, which answers with them. */
let reached: { method: string | undefined; url: string | undefined; headers: object; body: string }[];
let upstream: ReturnType<typeof createServer>;
let guard: ReturnType<typeof createGuard>;
let port: number;

beforeEach(async () => {
  reached = [];
  upstream = createServer(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    reached.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
    response.writeHead(202, { "x-answer": "yes" }).end("taken");
  });
  await once(upstream.listen(0, "127.0.0.1"), "listening");
  guard = createGuard({
    host: "127.0.0.1",
    port: 0,
    upstream: new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`),
    hostnames: ["observe.example"],
    password: "p:w",
    log: createLog({ service: "test", level: "fatal" }),
  });
  ({ port } = await guard.listen());
});
afterEach(async () => {
  await guard.close();
  upstream.close();
  upstream.closeAllConnections();
});

/** The answer to a request whose every header is chosen, as no browser would let a page. */
function ask(method: string, headers: Record<string, string | string[]>, body = "", path = "/api/v2/silences") {
  return new Promise<{ status: number; text: string; answer: string | undefined }>((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", method, path, headers }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, text, answer: response.headers["x-answer"] as string | undefined });
    });
    asked.on("error", reject).end(body);
  });
}

test("a request without Origin passes completely, with the guarded server's password", async () => {
  const answer = await ask(
    "POST",
    { "content-type": "application/json", connection: "x-secret", "x-secret": "1" },
    "{}",
    "/a?b=c",
  );
  expect(answer).toEqual({ status: 202, text: "taken", answer: "yes" });
  expect(reached).toMatchObject([{ method: "POST", url: "/a?b=c", body: "{}" }]);
  expect(reached[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from("guard:p:w").toString("base64")}`,
    "content-type": "application/json",
  });
  expect(reached[0]?.headers).not.toHaveProperty("x-secret");
});

test.each([
  "http://evil.example",
  "null",
  "http://127.0.0.1",
  "http://127.0.0.1.evil.example",
  "http://localhost:1",
  "file://",
  "",
])("a page of the origin %j is refused for every method", async (origin) => {
  for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
    expect((await ask(method, { origin, host: `127.0.0.1:${port}` })).status).toBe(403);
  expect(reached).toEqual([]);
});

test("two origins, and a cross-site request whose browser sends no Origin, are refused", async () => {
  const own = `http://127.0.0.1:${port}`;
  expect((await ask("POST", { origin: [own, "http://evil.example"] })).status).toBe(403);
  expect((await ask("POST", { "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect(reached).toEqual([]);
  // A link from elsewhere to a dashboard is a GET that its page cannot read.
  expect((await ask("GET", { "sec-fetch-site": "cross-site" })).status).toBe(202);
});

test("the guarded server's own pages are accepted under each name of the guard", async () => {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, "observe.example", "[::1]:9093"];
  for (const host of names) {
    const origin = `http://${host.toLowerCase()}`;
    expect([host, (await ask("POST", { host, origin })).status]).toEqual([host, 202]);
  }
  expect((await ask("POST", { host: "observe.example", origin: "https://observe.example" })).status).toBe(202);
});

test.each(["evil.example", "evil.example:9090", "10.0.0.1"])(
  "the Host %s, of a rebound name, is refused",
  async (host) => {
    expect((await ask("GET", { host })).status).toBe(421);
    expect((await ask("POST", { host, origin: `http://${host}` })).status).toBe(421);
    expect(reached).toEqual([]);
  },
);

test("without the guarded server the answer is 502 in one line", async () => {
  upstream.close();
  upstream.closeAllConnections();
  const { status, text } = await ask("GET", {});
  expect(status).toBe(502);
  expect(text).toMatch(/^127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED.*\n$/);
});
