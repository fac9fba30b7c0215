import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import type { Held } from "./held.ts";
import type { RealClients } from "./real-clients.ts";

/** The state of a page's PeerJS client, every 100 ms. */
interface Told {
  open: boolean;
  node: string | null;
  losses: { at: number; node: string | null }[];
}

interface PeerPage extends Held {
  page: Page;
  look(): Promise<void>;
}

const script = join(import.meta.dirname, "../../examples/peerjs/node_modules/peerjs/dist/peerjs.min.js");

/** PeerJS' own client in a page with its own browser context and cookies. It reconnects on PeerJS' request. */
async function openPage(browser: Browser, url: string, name: string): Promise<PeerPage> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  await page.addScriptTag({ path: script });
  await page.evaluate(() => {
    interface Client {
      open: boolean;
      destroyed: boolean;
      on(event: string, listener: () => void): void;
      reconnect(): void;
    }
    const { Peer } = globalThis as unknown as { Peer: new (options: object) => Client };
    const told: Told = { open: false, node: null, losses: [] };
    const peer = new Peer({ host: location.hostname, port: Number(location.port), path: "/" });
    const again = () => {
      if (!peer.open && !peer.destroyed) peer.reconnect();
    };
    peer.on("open", () => {
      // The same cookie leads to the same replica.
      fetch("/").then(({ headers }) => {
        told.node = headers.get("x-replica");
        told.open = true;
      }, again);
    });
    peer.on("disconnected", () => {
      told.losses.push({ at: Date.now(), node: told.node });
      Object.assign(told, { open: false, node: null });
      setTimeout(again, 200 + 300 * Math.random());
    });
    Object.assign(globalThis, { told });
  });
  let told: Told = { open: false, node: null, losses: [] };
  const client: PeerPage = {
    name,
    page,
    connected: () => told.open,
    node: () => told.node,
    // Only losses of a peer that was on a replica count. A failed try has no replica.
    get losses() {
      return told.losses.filter(({ node }) => node !== null);
    },
    async look() {
      told = await page.evaluate(() => (globalThis as unknown as { told: Told }).told);
    },
    close: () => context.close(),
  };
  return client;
}

export const peerjsClients: RealClients = {
  example: "peerjs",
  async connect(url) {
    const browser = await startBrowser();
    const pages = await Promise.all(Array.from({ length: 6 }, (_, index) => openPage(browser, url, `page ${index}`)));
    const looking = setInterval(() => {
      Promise.all(pages.map((one) => one.look())).catch(() => clearInterval(looking));
    }, 100);
    const last = pages.at(-1) as PeerPage;
    const { close } = last;
    last.close = async () => {
      clearInterval(looking);
      await close();
      await browser.close();
    };
    return pages;
  },
  async works(url, clients) {
    expect(await (await fetch(`${url}/peerjs/id`)).text()).toMatch(/^[0-9a-f-]{36}$/);
    await until("each page has its peer", () => clients.every((one) => one.connected()));
  },
};
