import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { connectionsOf, factsOf, samplesOf, startBrowser, startSampling, watchConnections } from "./browser.ts";
import { breaksOf } from "./unbroken.ts";

/** Media is watched for this time after the start of the outage, because ICE notices a dead path within 5 to 7 s. */
const watchMs = 11_000;

let browser: Browser;
let stack: TestStack;
beforeAll(async () => {
  [browser, stack] = await Promise.all([startBrowser(), startStack()]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** A page in the room, with a cookie jar of its own. */
async function openPage(room: string, query = ""): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await watchConnections(page);
  await page.goto(`${stack.proxy.url}/?room=${room}&test=1${query}`);
  return page;
}

async function callUp(room: string, query = ""): Promise<[Page, Page]> {
  const pages: [Page, Page] = [await openPage(room, query), await openPage(room, query)];
  await until(
    "both pages are in a call with flowing media",
    async () => {
      const facts = await Promise.all(pages.map(factsOf));
      return facts.every(({ state, media, frames }) => state === "connected" && media === "flowing" && frames > 10);
    },
    { withinMs: 40_000, everyMs: 200 },
  ).catch(async (error: Error) => {
    const told = await Promise.all(pages.map(async (page) => [await factsOf(page), await page.innerText("#log")]));
    const connections = await Promise.all(pages.map(connectionsOf));
    throw new Error(`${error.message}\n${JSON.stringify({ told, connections }, null, 1)}`);
  });
  await Promise.all(pages.map(startSampling));
  return pages;
}

async function watchedFor(page: Page, ms: number) {
  await until(
    `media was watched for ${ms} ms`,
    async () => {
      const samples = await samplesOf(page);
      return (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0) > ms;
    },
    { withinMs: ms + 20_000, everyMs: 500 },
  );
  return samplesOf(page);
}

for (const transport of ["default", "polling"])
  test(`a replica is killed mid-call (${transport} transport): media never stops, signaling moves, ICE can restart`, async () => {
    const [a, b] = await callUp(`kill-${transport}`, transport === "default" ? "" : `&transport=${transport}`);
    const before = await factsOf(a);
    const other = await factsOf(b);
    const victim = stack.replica(before.node);
    victim.program.kill("SIGKILL");
    if (transport === "default") {
      await until(
        "the page says that signaling is lost",
        async () => (await factsOf(a)).state === "signaling-lost" || (await factsOf(a)).reconnects > 0,
      );
      if (process.env["SCREENSHOT"] !== undefined) await screenshot(a);
    }
    const after = await until(
      "signaling is back on another replica",
      async () => {
        const facts = await factsOf(a);
        return facts.state === "connected" && facts.node !== before.node && facts.reconnects === 1 ? facts : null;
      },
      { withinMs: 5_000 },
    );
    expect(after.peer).toBe(before.peer);
    expect(after.outage).toBeLessThan(5_000);

    for (const page of [a, b]) expect(breaksOf(await watchedFor(page, watchMs), watchMs)).toEqual([]);

    const members = (await (
      await fetch(`${stack.replicas.find(({ nodeId }) => nodeId !== before.node)?.adminUrl}/rooms/kill-${transport}`)
    ).json()) as { members: { peerId: string; away: boolean }[] };
    expect(members.members.map(({ peerId, away }) => [peerId, away]).sort()).toEqual(
      [before.peer, other.peer].map((peer) => [peer, false]).sort(),
    );

    const [{ ufrag } = { ufrag: "" }] = await samplesOf(b);
    await a.click("#restart");
    await until("a fresh offer and answer went over the new replica", async () => {
      const last = (await samplesOf(b)).at(-1);
      return last !== undefined && last.ufrag !== ufrag && last.ice === "connected";
    });
    await bringBack(victim.nodeId);
  });

test("the proxy is killed and stays down for ten seconds: media never stops, both peers come back by themselves", async () => {
  const [a, b] = await callUp("proxy");
  const before = await Promise.all([a, b].map(factsOf));
  await stack.proxy.kill();
  for (const page of [a, b]) expect(breaksOf(await watchedFor(page, watchMs), watchMs)).toEqual([]);
  await stack.proxy.start();
  await until(
    "both are joined again",
    async () =>
      (await Promise.all([a, b].map(factsOf))).every(
        ({ state, reconnects }) => state === "connected" && reconnects === 1,
      ),
    { withinMs: 8_000 },
  );
  const after = await Promise.all([a, b].map(factsOf));
  // The cookie leads to the same replica again with a new proxy process.
  expect(after.map(({ node, peer }) => [node, peer])).toEqual(before.map(({ node, peer }) => [node, peer]));
});

test("negative control: a page that ends its connection when its socket drops fails the check", async () => {
  const [a] = await callUp("control");
  await a.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: { connections: RTCPeerConnection[] } };
    new MutationObserver(() => {
      if (document.body.dataset["state"] === "signaling-lost") watched.connections.at(-1)?.close();
    }).observe(document.body, { attributes: true });
  });
  const { node } = await factsOf(a);
  stack.replica(node).program.kill("SIGKILL");
  const breaks = breaksOf(await watchedFor(a, 6_000), 6_000);
  expect(breaks.join()).toMatch(/ICE closed/);
  expect(breaks.join()).toMatch(/no frame decoded/);
  await bringBack(node);
});

async function bringBack(nodeId: string): Promise<void> {
  await stack.restart(nodeId);
  await until(`${nodeId} is ready again`, async () => (await stack.stateOf(nodeId)) === "ready");
}

/** Picture for the README: the page while its replica is down. */
async function screenshot(page: Page): Promise<void> {
  mkdirSync("docs/images", { recursive: true });
  await page.screenshot({ path: "docs/images/call-during-kill.png" });
}
