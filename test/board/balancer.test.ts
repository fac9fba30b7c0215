import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runAction } from "../../ops/chaos/actions.ts";
import { heal } from "../../ops/heal/heal.ts";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { openBoard, partOf } from "./board-page.ts";

let stack: ProcessStack;
let browser: Browser;

beforeAll(async () => {
  stack = await startProcessStack({ PROXIES: "2", CALLS: "6", PROBE_EVERY_MS: "0" });
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** The lines that the board draws, with their states, as `from to: state`. */
const lines = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll<SVGPathElement>("[data-flow]")].map(
      ({ dataset }) => `${dataset["flow"]}: ${dataset["state"]}`,
    ),
  );
const textOf = (page: Page, part: string) => page.locator(`[data-part="${part}"]`).innerText();
/** The figures of a box by their labels. */
const figures = (page: Page, part: string) =>
  page.evaluate(
    (id) =>
      Object.fromEntries(
        [...document.querySelectorAll(`[data-part="${id}"] dl > div`)].map((row) => [
          row.querySelector("dt")?.textContent,
          Number(row.querySelector("dd")?.textContent),
        ]),
      ),
    part,
  );

test("two proxies and their balancer are drawn, and each loss shows where connections still go", async () => {
  const { page, said } = await openBoard(browser, stack);
  const within = { withinMs: 30_000, everyMs: 100 };
  const isState = async (part: string, state: string) => (await partOf(page, part))?.state === state;
  for (const part of ["balancer", "proxy", "proxy-2"]) await until(`${part} is up`, () => isState(part, "up"), within);
  const drawn = ["clients balancer: up", "balancer proxy: up", "balancer proxy-2: up", "proxy-2 signaling-3: ready"];
  await until(
    "lines join them",
    async () => (await lines(page)).filter((line) => drawn.includes(line)).length === 4,
    within,
  );
  expect((await lines(page)).filter((line) => line.startsWith("clients proxy"))).toEqual([]);
  await until(
    "the balancer shows a connection for each tunnel of both proxies",
    async () => {
      const tunnels = await Promise.all(["proxy", "proxy-2"].map(async (id) => (await figures(page, id))["tunnels"]));
      const { connections = 0 } = await figures(page, "balancer");
      return tunnels.every((count) => (count ?? 0) > 0) && connections >= (tunnels[0] ?? 0) + (tunnels[1] ?? 0);
    },
    within,
  );

  await runAction(stack, "kill", "proxy-2");
  await until("the second proxy is down", () => isState("proxy-2", "down"), within);
  await until(
    "the balancer says so",
    async () => (await textOf(page, "balancer")).includes("sends to 1 of 2 proxies"),
    within,
  );
  const undo = page.locator('[data-fault="kill proxy-2"] code');
  await until("the fault is shown", async () => (await undo.count()) === 1, within);
  expect(await undo.textContent()).toBe(`STACK=${stack.name} make start-proxy PROXY=2`);

  await runAction(stack, "kill", "balancer");
  await until("the balancer is down", () => isState("balancer", "down"), within);
  await until(
    "the clients are drawn at the proxy itself",
    async () => {
      const all = await lines(page);
      return all.includes("clients proxy: up") && all.includes("balancer proxy: down");
    },
    within,
  );

  await heal(stack);
  for (const part of ["balancer", "proxy-2"]) await until(`${part} is up again`, () => isState(part, "up"), within);
  await until(
    "the clients are drawn at the balancer alone",
    async () => !(await lines(page)).some((line) => line.startsWith("clients proxy")),
    within,
  );
  expect(said).toEqual([]);
});
