import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { ProcessStack } from "../support/process-stack.ts";

export const boardUrl = ({ engine }: Pick<ProcessStack, "engine">) => engine.endpoints.board;

/** A page of the board. It collects errors and warnings of the console. There must be none. */
export async function openBoard(
  browser: Browser,
  stack: ProcessStack,
  path = "/",
  options: BrowserContextOptions = {},
): Promise<{ page: Page; said: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 }, ...options });
  const page = await context.newPage();
  const said: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(error.message));
  await page.goto(`${boardUrl(stack)}${path}`);
  return { page, said };
}

/** The data attributes of a box of the topology; null if there is no box. */
export function partOf(page: Page, id: string): Promise<{ state: string; peers: number } | null> {
  return page.evaluate((part) => {
    const element = document.querySelector<HTMLElement>(`[data-part="${part}"]`);
    return element === null
      ? null
      : { state: element.dataset["state"] ?? "", peers: Number(element.dataset["peers"] ?? Number.NaN) };
  }, id);
}

/** Watches boxes and dots in the page itself, by the page's clock, which is this machine's. */
export async function watchBoard(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen = { states: [] as [number, string, string][], arrived: {} as Record<string, [number, string]> };
    Object.assign(globalThis, { seen });
    const states = new Map<string, string>();
    const places = new Map<string, string>();
    const look = () => {
      const boxes = [...document.querySelectorAll<HTMLElement>("[data-part^=signaling-]")].map((box) => ({
        id: box.dataset["part"] ?? "",
        state: box.dataset["state"] ?? "",
        rect: box.getBoundingClientRect(),
      }));
      for (const { id, state } of boxes)
        if (states.get(id) !== state) {
          states.set(id, state);
          seen.states.push([Date.now(), id, state]);
        }
      for (const dot of document.querySelectorAll<HTMLElement>(".dot")) {
        const { left, top } = dot.getBoundingClientRect();
        const box = boxes.find(
          ({ rect }) => left >= rect.left && left <= rect.right && top >= rect.top && top <= rect.bottom,
        );
        const name = dot.dataset["peer"] ?? "";
        // The dot must be drawn inside its replica's box. On its way it crosses others.
        if (box === undefined || box.id !== dot.dataset["on"] || places.get(name) === box.id) continue;
        places.set(name, box.id);
        seen.arrived[name] = [Date.now(), box.id];
      }
      requestAnimationFrame(look);
    };
    look();
  });
}

interface Seen {
  states: [at: number, id: string, state: string][];
  /** By the peer's name: the box in which its dot last arrived, and when. */
  arrived: Record<string, [at: number, id: string]>;
}

export const seenBy = (page: Page): Promise<Seen> =>
  page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);

const images = join(import.meta.dirname, "../../docs/images");

/**
 * Pictures for README and docs. They are written only with PICTURES=1, because each run's pictures differ in a few
 * pixels.
 */
export async function takePictures(browser: Browser, stack: ProcessStack, name: string): Promise<void> {
  mkdirSync(images, { recursive: true });
  for (const [look, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["phone", { colorScheme: "dark", viewport: { width: 390, height: 844 } }],
  ] as const) {
    const { page } = await openBoard(browser, stack, "/", options);
    await page.waitForSelector("[data-part=signaling-3] .state");
    // The strips are drawn once the history is loaded, and dots need time to reach their places.
    await page.waitForFunction(
      () => document.querySelectorAll(".dot").length > 0 && document.getAnimations().length === 0,
    );
    const path = process.env["PICTURES"] === "1" ? { path: join(images, `board-${name}-${look}.png`) } : {};
    const bytes = await page.screenshot({ ...path, fullPage: true });
    if (bytes.length < 20_000) throw new Error(`the picture board-${name}-${look} is empty: ${bytes.length} bytes`);
    await page.context().close();
  }
}
