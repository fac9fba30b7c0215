import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { startProgram } from "../support/program.ts";
import { connectSocketIo, joinRoom } from "../support/signal-peer.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { startBrowser } from "./browser.ts";
import { servePageOf, servePages } from "./own-pages.ts";

const docs = readFileSync("docs/clients.md", "utf8");

let browser: Browser;
let stack: TestStack;
beforeAll(async () => {
  [browser, stack] = await Promise.all([startBrowser(), startStack({ count: 2, env: { ALLOWED_ORIGINS: "*" } })]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** The program under a heading of docs/clients.md, for this stack and room. */
function programOf(heading: string, room: string): string {
  const section = docs.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
  const [, code] = /^```\w+\n(.*?)^```$/ms.exec(section) ?? [];
  if (code === undefined) throw new Error(`docs/clients.md has no program under ${heading}`);
  return code
    .replaceAll("wss://calls.example.com", stack.proxy.url.replace("http", "ws"))
    .replaceAll("https://calls.example.com", stack.proxy.url)
    .replaceAll("room-1", room);
}

/** One of the documented clients, and its printed lines. */
interface Client {
  name: string;
  lines(): string;
}
const peerOf = ({ lines }: Client) => /joined as (\S+)/.exec(lines())?.[1] ?? "";

test("the documented clients for Python, Node, the browser and the raw WebSocket exchange offers and answers in one room", async () => {
  const room = randomUUID();
  await using started = new AsyncDisposableStack();
  const run = (name: string, command: string, ...args: string[]): Client => {
    const program = started.use(startProgram(command, args));
    return { name, lines: program.output };
  };
  const html = `<!doctype html><script type="importmap">{"imports":{"socket.io-client":"/io.js"}}</script><script type="module">${programOf("Browser", room)}</script>`;
  const pages = started.use(
    await servePages({
      "/": { type: "text/html", text: html },
      "/io.js": {
        type: "text/javascript",
        text: readFileSync("node_modules/socket.io-client/dist/socket.io.esm.min.js", "utf8"),
      },
    }),
  );
  async function inBrowser(): Promise<Client> {
    const page = await browser.newPage();
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    await page.goto(pages.url);
    return { name: "browser", lines: () => lines.join("\n") };
  }
  const node = (name: string, heading: string) =>
    run(name, process.execPath, "--input-type=module", "-e", programOf(heading, room));

  const here: Client[] = [];
  for (const start of [
    () => run("python", "/usr/bin/python3", "-c", programOf("Python", room)),
    inBrowser,
    () => node("node", "Node"),
    () => node("raw", "Raw WebSocket"),
  ]) {
    const client = await start();
    await until(`${client.name} has joined`, () => peerOf(client)).catch((error: Error) => {
      throw new Error(`${error.message}\n${client.lines()}`);
    });
    for (const other of here) {
      await until(`${other.name} has the offer of ${client.name}`, () =>
        other.lines().includes(`offer from ${peerOf(client)}`),
      );
      await until(`${client.name} has the answer of ${other.name}`, () =>
        client.lines().includes(`answer from ${peerOf(other)}`),
      );
    }
    here.push(client);
  }

  // An answer names its offer, for every pair of clients.
  const peer = await joinRoom(await connectSocketIo(stack.proxy.url), room);
  await peer.send("offer", { roomId: room, offerId: "mine", description: { type: "offer", sdp: "v=0" } });
  await until("all answer", () => peer.got("answer").length === here.length);
  expect(
    peer
      .got("answer")
      .map(({ from, offerId }) => [from, offerId])
      .sort(),
  ).toEqual(here.map((client) => [peerOf(client), "mine"]).sort());
  peer.close();
});

test("ALLOWED_ORIGINS=*: a page of another origin connects by polling, and is blocked only if it sends cookies", async () => {
  await using pages = await servePageOf("test/e2e/cross-origin-page.ts");
  const open = async (more: string) => {
    const page = await browser.newPage();
    const blocked: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") blocked.push(message.text());
    });
    await page.goto(`${pages.url}/?url=${stack.proxy.url}&room=${randomUUID()}${more}`);
    return { page, blocked };
  };
  const state = (page: Page) => page.evaluate(() => document.body.dataset["state"]);
  const free = await open("");
  await until("joined", async () => (await state(free.page)) === "joined");
  expect(free.blocked.filter((line) => /CORS/.test(line))).toEqual([]);
  const insists = await open("&cookies=1");
  await until("the browser blocks it", () => insists.blocked.some((line) => /CORS/.test(line)));
  expect(await state(insists.page)).not.toBe("joined");
});
