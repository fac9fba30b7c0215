import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createLog } from "../../common/log.ts";
import { createLink, type Link } from "../../ops/link/link.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { factsOf, samplesOf, startBrowser, startSampling, watchConnections } from "./browser.ts";

let browser: Browser;
let stack: TestStack;
const links: Link[] = [];
beforeAll(async () => {
  [browser, stack] = await Promise.all([startBrowser({ backForwardCache: true }), startStack({ count: 2 })]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  for (const link of links.splice(0)) link.close();
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

async function openPage(url: string, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await browser.newContext({ viewport: { width: 1440, height: 900 } }))).newPage();
  await watchConnections(page);
  await page.goto(url);
  return page;
}

/** The network of one page, with a delay of `ms` each way. */
async function slowNetwork(ms: number): Promise<string> {
  const { hostname, port } = new URL(stack.proxy.url);
  const own = { host: "127.0.0.1", port: await freePort() };
  const to = { host: hostname, port: Number(port) };
  const link = createLink("network", own, to, createLog({ service: "test", level: "silent" }));
  links.push(link);
  await link.open();
  await link.set("latency", { latencyMs: ms });
  return `http://127.0.0.1:${own.port}`;
}

const log = async (page: Page) => (await page.innerText("#log")).split("\n").join(" ");

/** The negotiated state of the page's connection, and its peer's picture. */
const negotiated = (page: Page) =>
  page.evaluate(() => {
    const { connections } = (globalThis as unknown as { watched: { connections: RTCPeerConnection[] } }).watched;
    const [connection] = connections;
    const ufragOf = (description: RTCSessionDescription | null | undefined) =>
      /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? "")?.[1] ?? "";
    return {
      connections: connections.length,
      signaling: connection?.signalingState,
      ice: connection?.iceConnectionState,
      local: ufragOf(connection?.currentLocalDescription),
      remote: ufragOf(connection?.currentRemoteDescription),
      receives: connection
        ?.getTransceivers()
        .filter(({ currentDirection, receiver }) => currentDirection?.includes("recv") && !receiver.track.muted).length,
      shown: document.querySelector<HTMLElement>("#grid figure[data-peer]")?.dataset["screen"],
    };
  });

test("450 ms each way: both sides share a screen, stop it and restart ICE, and agree on the result", async () => {
  const pages = [
    await openPage(`${await slowNetwork(450)}/?room=slow&test=1`),
    await openPage(`${await slowNetwork(450)}/?room=slow&test=1&transport=websocket`),
  ];
  const [a, b] = pages as [Page, Page];
  const all = (look: (page: Page) => Promise<boolean>) => async () =>
    (await Promise.all(pages.map(look))).every(Boolean);
  const patient = { withinMs: 40_000, everyMs: 200 };
  await until(
    "both see each other",
    all(async (page) => (await factsOf(page)).media === "flowing"),
    patient,
  );
  const agreed = async () => {
    const [one, other] = (await Promise.all(pages.map(negotiated))) as [
      Awaited<ReturnType<typeof negotiated>>,
      Awaited<ReturnType<typeof negotiated>>,
    ];
    return one.signaling === "stable" &&
      other.signaling === "stable" &&
      one.local === other.remote &&
      one.remote === other.local
      ? [one, other]
      : null;
  };
  await until("the first negotiation is over", agreed, patient);

  // The offer is repeated before its answer can arrive. The answer to the repeat arrives while the next offer is open.
  const signalingOf = async (page: Page) => (await negotiated(page)).signaling;
  await a.click("#share");
  await until("it is offered", async () => (await signalingOf(a)) === "have-local-offer", { ...patient, everyMs: 20 });
  await until("it is answered", async () => (await signalingOf(a)) === "stable", { ...patient, everyMs: 20 });
  const first = await negotiated(a);
  await a.click("#restart");
  await until("the share of one arrives", async () => (await negotiated(b)).receives === 3, patient);
  await until("it is shown", async () => (await negotiated(b)).shown === "true", patient);
  await until(
    "both agree on fresh ICE credentials",
    async () =>
      (await agreed())?.every(({ ice, local }) => ice === "connected" && ![first.local, first.remote].includes(local)),
    patient,
  );

  // Both at once. Each offer takes longer than the time after which it is repeated.
  await Promise.all([b.click("#share"), a.click("#restart")]);
  const [before] = await Promise.all(pages.map(negotiated));
  await until(
    "both shares are there",
    all(async (page) => (await negotiated(page)).receives === 3),
    patient,
  );
  const [after] = await until(
    "both agree on fresh ICE credentials",
    async () => {
      const both = await agreed();
      return both?.every(({ ice, local }) => ice === "connected" && local !== before?.local && local !== before?.remote)
        ? both
        : null;
    },
    patient,
  );

  await a.click("#share");
  await until("what is shared no longer is gone", async () => (await negotiated(b)).receives === 2, patient);
  await until("the camera is shown again", async () => (await negotiated(b)).shown === "false", patient);
  const last = await until("both agree in the end", agreed, patient);
  expect(last.map(({ connections, ice }) => [connections, ice])).toEqual([
    [1, "connected"],
    [1, "connected"],
  ]);
  // By now late answers and repeats would have undone it.
  expect(last[0]?.local).toBe(after?.local);
  for (const page of pages) expect(await log(page)).not.toMatch(/offer:|answer:|candidate:|failed/);
  await Promise.all(pages.map(startSampling));
  await until(
    "frames go on being decoded",
    all(async (page) => {
      const samples = await samplesOf(page);
      return (samples.at(-1)?.framesDecoded ?? 0) > (samples[0]?.framesDecoded ?? 0) + 5;
    }),
    patient,
  );
});

test("four peers: a peer that hangs up, closes its tab or leaves the page is gone at once, the others stay; a returning peer joins again", async () => {
  const url = `${stack.proxy.url}/?room=many&test=1`;
  const context = await browser.newContext();
  const [stays, hangsUp, closes] = [await openPage(url), await openPage(url), await openPage(url)];
  const leads = await openPage(`${url}&transport=polling`, context);
  const peersOf = (page: Page) =>
    page.$$eval("#grid figure[data-peer]:not([hidden])", (figures) =>
      figures.map((figure) => (figure as HTMLElement).dataset["peer"]),
    );
  const patient = { withinMs: 40_000, everyMs: 200 };
  for (const page of [stays, hangsUp, closes, leads])
    await until(
      "a picture for each of the others",
      async () => {
        const facts = await factsOf(page);
        return (await peersOf(page)).length === 3 && facts.media === "flowing";
      },
      patient,
    );
  const id = async (page: Page) => (await factsOf(page)).peer;
  const [own, other, third, fourth] = [await id(stays), await id(hangsUp), await id(closes), await id(leads)];
  expect((await peersOf(stays)).sort()).toEqual([other, third, fourth].sort());

  /** Well under the ten seconds of grace, and the sixteen until media has failed. */
  const atOnce = { withinMs: 3_000, everyMs: 50 };
  await hangsUp.click("#hang-up");
  await until("the one that hung up is gone", async () => !(await peersOf(stays)).includes(other), atOnce);
  await until("for the others too", async () => !(await peersOf(leads)).includes(other), atOnce);
  expect((await peersOf(stays)).sort()).toEqual([third, fourth].sort());
  // The others may know before the ack of its own leave arrives.
  await until("its own page says so", async () => /ended/.test(await hangsUp.innerText("#nobody")), atOnce);

  await closes.close();
  await until("the closed tab is gone", async () => !(await peersOf(stays)).includes(third), atOnce);

  await leads.goto("about:blank");
  await until(
    "the page that was left is gone, over polling too",
    async () => (await peersOf(stays)).length === 0,
    atOnce,
  );
  expect(await stays.innerText("#nobody")).toMatch(/Nobody else is here/);

  await leads.goBack();
  await until(
    "back, and in the call",
    async () => (await peersOf(stays)).length === 1 && (await factsOf(stays)).media === "flowing",
    patient,
  );
  expect((await factsOf(stays)).peer).toBe(own);
  expect(await log(stays)).not.toMatch(/away|timeout/);
});
