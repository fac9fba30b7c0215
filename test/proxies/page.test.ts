import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runAction } from "../../ops/chaos/actions.ts";
import { factsOf, samplesOf, startBrowser, startSampling, watchConnections } from "../e2e/browser.ts";
import { breaksOf } from "../e2e/unbroken.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

let stack: ProcessStack;
let browser: Browser;
beforeAll(async () => {
  stack = await startProcessStack((port) => {
    const at = (variable: string) => `http://127.0.0.1:${port(variable)}`;
    return {
      PROXIES: "2",
      CALLS: "0",
      PROBE_EVERY_MS: "0",
      PAGE_URLS: [at("PROXY_1_PORT"), at("PROXY_2_PORT")].join(","),
      ALLOWED_ORIGINS: at("PROXY_PORT"),
    };
  });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

async function openPage(transport: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await watchConnections(page);
  await page.goto(`${stack.engine.endpoints.proxy}/?room=addresses&test=1&transport=${transport}`);
  return page;
}

test("the balancer is killed: the call page goes on at its other addresses, and media never stops", async () => {
  const pages = [await openPage("websocket"), await openPage("polling")];
  const all = (look: (facts: Awaited<ReturnType<typeof factsOf>>) => boolean) => async () =>
    (await Promise.all(pages.map(factsOf))).every(look);
  await until(
    "both see each other",
    all(({ media }) => media === "flowing"),
    { withinMs: 30_000, everyMs: 100 },
  );
  await Promise.all(pages.map(startSampling));
  await runAction(stack, "kill", "balancer");
  await until(
    "both are back",
    all(({ state, reconnects }) => state === "connected" && reconnects > 0),
    { withinMs: 15_000, everyMs: 100 },
  );
  for (const page of pages) {
    await until("media was watched", async () => (await samplesOf(page)).length > 15);
    expect(breaksOf(await samplesOf(page), 2_000)).toEqual([]);
  }
});
