import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { until } from "../../test/support/poll.ts";
import { createPage } from "./page.ts";

let dir: string;
let server: Server;
const failures: unknown[] = [];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "page-"));
  mkdirSync(join(dir, "assets"));
  writeFileSync(join(dir, "index.html"), 'the page <meta name="signaling-urls" content="">');
  writeFileSync(join(dir, "assets", "é.js"), "an asset");
  const page = createPage(dir, [], pino({ enabled: false }));
  server = createServer((incoming, response) => {
    page(incoming, response).catch((error: unknown) => {
      failures.push(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

/** By `node:http`, which sends the path as it is. */
function ask(path: string, method = "GET"): Promise<{ status: number | undefined; allow: string | undefined }> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    request({ host: "127.0.0.1", port, path, method }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, allow: answer.headers.allow });
    })
      .on("error", reject)
      .end();
  });
}

test.each([
  ["/", 200],
  ["/?a=%zz", 200],
  ["/assets/%C3%A9.js", 200],
  ["/assets/../assets/%C3%A9.js?x", 200],
  ["/assets/", 404],
  ["/assets/%zz", 404],
  ["/assets/%E9", 404],
  ["/assets/%00", 404],
  ["/assets/é.js/more", 404],
  ["/assets/../../../../../../etc/passwd", 404],
  ["/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404],
  ["//", 404],
])("%s: %i", async (path, status) => {
  expect((await ask(path.replaceAll("é", "%C3%A9"))).status).toBe(status);
  expect(failures).toEqual([]);
});

test.each([
  ["a name of 300 characters", "x".repeat(300)],
  ["a path of 4,000 folders", "x/".repeat(4_000)],
])("%s is not found", async (_what, name) => {
  expect((await ask(`/assets/${name}`)).status).toBe(404);
  expect(failures).toEqual([]);
});

test("OPTIONS and a refused method list the allowed methods (RFC 9110, 9.3.7 and 15.5.6)", async () => {
  expect(await ask("/", "OPTIONS")).toEqual({ status: 204, allow: "GET, HEAD, OPTIONS" });
  expect(await ask("/", "POST")).toEqual({ status: 405, allow: "GET, HEAD, OPTIONS" });
});

test("a client that has gone before its file was found leaves no failure", async () => {
  const page = createPage(dir, [], pino({ enabled: false }));
  const asked = Promise.withResolvers<void>();
  const other = createServer((incoming, response) => {
    response.once("close", () => asked.resolve(page(incoming, response)));
    incoming.socket.destroy();
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const answer = once(request({ host: "127.0.0.1", port, path: "/" }).end(), "response");
  await expect(answer).rejects.toThrow("socket hang up");
  await expect(asked.promise).resolves.toBeUndefined();
});

test("further addresses are in the page and in its policy", async () => {
  const page = createPage(dir, ["http://two.example:8081/", "https://three.example/call/"], pino({ enabled: false }));
  const other = createServer((incoming, response) => void page(incoming, response)).listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const answer = await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
  expect(await answer.text()).toBe(
    'the page <meta name="signaling-urls" content="http://two.example:8081/ https://three.example/call/">',
  );
  expect(answer.headers.get("content-security-policy")).toContain(
    "connect-src 'self' http://two.example:8081 https://three.example ws://two.example:8081 wss://three.example;",
  );
});

test("a page that is built anew while the replica runs is served soon", async () => {
  const own = mkdtempSync(join(tmpdir(), "page-"));
  onTestFinished(() => rmSync(own, { recursive: true }));
  const page = createPage(own, [], pino({ enabled: false }));
  const other = createServer((incoming, response) => void page(incoming, response)).listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const read = async () => (await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`)).text();
  for (const text of ["the first", "the second"]) {
    writeFileSync(join(own, "index.html"), text);
    await until(`${text} is served`, async () => (await read()) === text);
  }
});
