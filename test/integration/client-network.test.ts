import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createRawWsClient } from "../../client/raw-ws-client.ts";
import { createSignalingClient } from "../../client/signaling-client.ts";
import { createLog } from "../../common/log.ts";
import { createLink, type Link } from "../../ops/link/link.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let stack: TestStack;
const links: Link[] = [];
const clients: { close(): unknown }[] = [];
beforeAll(async () => {
  stack = await startStack({ count: 1 });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const link of links.splice(0)) link.close();
});
afterAll(() => stack?.[Symbol.asyncDispose]());

/** A network path to the proxy that can be made a black hole. */
async function network() {
  const port = await freePort();
  const upstream = new URL(stack.proxy.url);
  const to = { host: upstream.hostname, port: Number(upstream.port) };
  const openLink = async () => {
    const log = createLog({ service: "test", level: "silent" });
    const link = createLink("network", { host: "127.0.0.1", port }, to, log);
    links.push(link);
    await link.open();
    return link;
  };
  return { link: await openLink(), openLink, url: `http://127.0.0.1:${port}` };
}

const kinds = {
  websocket: (options: { url: string; network: EventTarget }) =>
    createSignalingClient({ ...options, transports: "websocket", random: () => 0.99 }),
  polling: (options: { url: string; network: EventTarget }) =>
    createSignalingClient({ ...options, transports: "polling", random: () => 0.99 }),
  "/ws": (options: { url: string; network: EventTarget }) => createRawWsClient({ ...options, random: () => 0.99 }),
} as const;

for (const kind of ["websocket", "polling", "/ws"] as const)
  test(`${kind}: a phone that changed its network finds out at once, not at the next ping`, async () => {
    const { link, url } = await network();
    const phone = new EventTarget();
    const client = kinds[kind]({ url, network: phone });
    clients.push(client);
    const joined: string[] = [];
    const on = client.on as ReturnType<(typeof kinds)["/ws"]>["on"];
    on("joined", ({ peerId }) => joined.push(peerId));
    client.join(randomUUID());
    await until("joined", () => joined.length === 1);

    // The network is healthy: the probe is answered and the client keeps its socket.
    phone.dispatchEvent(new Event("online"));
    expect(await client.send("candidate", { number: 1 })).toMatchObject({ ok: true });
    expect(joined).toHaveLength(1);

    await link.set("black-hole", undefined);
    const changedAt = performance.now();
    phone.dispatchEvent(new Event("online"));
    on("lost", () => void link.clear());
    await until("joined again", () => joined.length === 2);
    expect(performance.now() - changedAt).toBeLessThan(5_000);
    expect(joined[1]).toBe(joined[0]);
  });

test("a client that waits for its next attempt connects as soon as the network is back", async () => {
  const { link, openLink, url } = await network();
  const phone = new EventTarget();
  // Its next attempt would follow after 20 s or more.
  const client = createSignalingClient({ url, network: phone, random: () => 80 });
  clients.push(client);
  client.join(randomUUID());
  await until("joined", () => client.state() === "joined");
  let lost = 0;
  client.on("lost", () => {
    lost += 1;
  });
  link.close();
  await until("lost", () => lost === 1);
  await openLink();
  const backAt = performance.now();
  phone.dispatchEvent(new Event("online"));
  await until("joined again", () => client.state() === "joined");
  expect(performance.now() - backAt).toBeLessThan(200);
});
