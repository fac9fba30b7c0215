import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { factsOf, startBrowser, startSampling, watchConnections } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { openDoor } from "./door/door.ts";

/** A browser whose network is the loopback interface and, through a door, some ports of the host. */
export async function startEnclosedBrowser(ports: readonly number[]): Promise<{ browser: Browser } & AsyncDisposable> {
  const door = await openDoor(ports);
  const browser = await startBrowser({
    executable: join(import.meta.dirname, "door/chromium.sh"),
    env: { DOOR_DIR: door.dir, DOOR_PORTS: ports.join(" ") },
  });
  return {
    browser,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await door[Symbol.asyncDispose]();
    },
  };
}

/** Two pages in a call with flowing media, sampled from then on. Each has cookies of its own. */
export async function callUp(browser: Browser, url: string, room: string): Promise<[Page, Page]> {
  const open = async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await watchConnections(page);
    await page.goto(`${url}/?room=${room}&test=1`);
    return page;
  };
  const pages: [Page, Page] = [await open(), await open()];
  await until(
    "both pages are in a call with flowing media",
    async () => {
      const facts = await Promise.all(pages.map(factsOf));
      return facts.every(({ state, media, frames }) => state === "connected" && media === "flowing" && frames > 10);
    },
    { withinMs: 40_000, everyMs: 200 },
  );
  await Promise.all(pages.map(startSampling));
  return pages;
}
