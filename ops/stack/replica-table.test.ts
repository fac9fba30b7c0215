import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { insideEndpoints } from "../compose/endpoints.ts";
import { changeDrain } from "./replica-table.ts";

/** An admin listener that answers every change with this status and notes it. */
async function startAdmin(status: number) {
  const changes: string[] = [];
  const server = createServer((request, response) => {
    changes.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = () => void server.close();
  onTestFinished(close);
  return { changes, url: `http://127.0.0.1:${port}/replicas/signaling-2`, close };
}
const drain = (urls: string[]) => changeDrain({ draining: () => urls, adminToken: undefined }, "signaling-2", "drain");

test("a drain through the proxies is told to each of them", async () => {
  const [one, two] = [await startAdmin(200), await startAdmin(200)];
  await drain([one.url, two.url]);
  expect([one.changes, two.changes]).toEqual([
    ["POST /replicas/signaling-2/drain"],
    ["POST /replicas/signaling-2/drain"],
  ]);
});

test("a proxy that does not answer is left out; none that answers, or a refusal, is an error", async () => {
  const [one, gone, refusing] = [await startAdmin(200), await startAdmin(200), await startAdmin(404)];
  gone.close();
  await drain([gone.url, one.url]);
  expect(one.changes).toEqual(["POST /replicas/signaling-2/drain"]);
  await expect(drain([gone.url])).rejects.toThrow(gone.url);
  await expect(drain([one.url, refusing.url])).rejects.toThrow("404");
});

test("an application's replicas are drained at both proxies, ours by themselves", () => {
  const proxies = ["proxy", "proxy-2"];
  const app = {} as Parameters<typeof insideEndpoints>[1];
  expect(insideEndpoints(undefined, app, proxies).draining("signaling-2")).toEqual([
    "http://proxy.admin:9100/replicas/signaling-2",
    "http://proxy-2.admin:9100/replicas/signaling-2",
  ]);
  expect(insideEndpoints(undefined, undefined, proxies).draining("signaling-2")).toEqual([
    "http://signaling-2.admin:9100",
  ]);
});
