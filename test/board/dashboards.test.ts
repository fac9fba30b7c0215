import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dashboard } from "../../services/board/dashboards/model.ts";
import { substitute } from "../../services/board/dashboards/substitute.ts";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { boardUrl, openBoard } from "./board-page.ts";

let stack: ProcessStack;
let browser: Browser;

beforeAll(async () => {
  stack = await startProcessStack();
  browser = await startBrowser();
  // Rates and burn rates need a few scrapes and an evaluation of the rules.
  await until("the rules have values", async () => (await count("stack:caller_call_setup_budget:remaining")) > 0, {
    withinMs: 80_000,
    everyMs: 500,
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** The number of series with a value that Prometheus itself has for an expression, now or in a window. */
async function count(expr: string, window?: { from: number; to: number; step: number }): Promise<number> {
  const query = new URLSearchParams(
    window === undefined
      ? { query: expr }
      : { query: expr, start: String(window.from), end: String(window.to), step: String(window.step) },
  );
  const path = window === undefined ? "query" : "query_range";
  const response = await fetch(`${stack.engine.endpoints.prometheus}/api/v1/${path}?${query}`);
  const { data } = (await response.json()) as {
    data: { result: { value?: [number, string]; values?: [number, string][] }[] };
  };
  return data.result.filter(({ value, values }) =>
    (values ?? (value === undefined ? [] : [value])).some(([, text]) => Number.isFinite(Number(text))),
  ).length;
}

/** The number of series that Prometheus has for each target of a panel, in the seconds before `to`. */
const seriesOf = ({ targets }: Dashboard["panels"][number], to: number, seconds: number): Promise<number[]> =>
  Promise.all(
    (targets ?? []).map(({ expr = "" }) =>
      count(substitute(expr, { stepSeconds: 5, rangeSeconds: seconds, variables: { replica: ".+" } }), {
        from: to - seconds,
        to,
        step: 5,
      }),
    ),
  );

test("every panel of every dashboard draws as many series as Prometheus has", async () => {
  const list = (await (await fetch(`${boardUrl(stack)}/api/dashboards`)).json()) as { uid: string }[];
  expect(list.length).toBeGreaterThanOrEqual(7);
  const boards = await Promise.all(
    list.map(async ({ uid }) => (await (await fetch(`${boardUrl(stack)}/api/dashboards/${uid}`)).json()) as Dashboard),
  );
  // A stack that has just started has no data for some panels yet.
  const panels = boards.flatMap((board) => board.panels);
  await until(
    "Prometheus has data for most panels",
    async () => {
      const counts = await Promise.all(panels.map((panel) => seriesOf(panel, Date.now() / 1_000, 300)));
      return counts.filter((each) => each.some((series) => series > 0)).length > 60;
    },
    { withinMs: 60_000, everyMs: 1_000 },
  );
  const wrong: string[] = [];
  let drawn = 0;
  for (const board of boards) {
    const { uid } = board;
    const { page, said } = await openBoard(browser, stack, `/dashboards/${uid}`);
    await until(`${uid} is drawn`, async () => page.locator(".grid").getAttribute("data-drawn"), { withinMs: 15_000 });
    const range = await page.locator("#range").inputValue();
    const seconds = range === "5m" ? 300 : 900;
    for (const [index, panel] of board.panels.filter(({ type }) => type !== "row").entries()) {
      // By position, because two panels may have one title.
      const element = page.locator("[data-panel]").nth(index);
      expect(await element.getAttribute("data-panel")).toBe(panel.title);
      if (panel.type === "text") {
        if (((await element.locator(".body").textContent()) ?? "").length < 40)
          wrong.push(`${uid} ${panel.title}: no text`);
        continue;
      }
      let seen = { wanted: Number.NaN, shown: Number.NaN };
      // The page keeps updating. The test reads its content and its end time together, and queries Prometheus for that
      // window.
      await until(
        `${uid} ${panel.title} draws what Prometheus has`,
        async () => {
          const { shown, to } = await element.evaluate((panelElement) => ({
            shown: Number((panelElement as HTMLElement).dataset["series"]),
            to: Number(panelElement.closest<HTMLElement>(".grid")?.dataset["drawn"]) / 1_000,
          }));
          const counts = await seriesOf(panel, to, seconds);
          seen = { shown, wanted: counts.reduce((sum, each) => sum + each, 0) };
          return seen.shown === seen.wanted;
        },
        // The page asks again every 5 s.
        { withinMs: 15_000, everyMs: 500 },
      ).catch(() => wrong.push(`${uid} ${panel.title}: draws ${seen.shown} of ${seen.wanted}`));
      if (seen.wanted > 0) drawn += 1;
    }
    // A canvas with only the background colour counts as empty.
    const blank = await page.evaluate(() =>
      [...document.querySelectorAll("canvas")]
        .filter((canvas) => {
          const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
          return !data.some((value) => value !== 0);
        })
        .map((canvas) => canvas.closest<HTMLElement>("[data-panel]")?.dataset["panel"]),
    );
    wrong.push(...blank.map((title) => `${uid} ${title}: blank`), ...said);
    await page.context().close();
  }
  expect(wrong).toEqual([]);
  process.stdout.write(`${drawn} panels with data on ${list.length} dashboards\n`);
  expect(drawn).toBeGreaterThan(60);
}, 180_000);

test("range and replica filter the queries; only the dashboards' own queries are possible", async () => {
  const get = async (path: string) => (await fetch(`${boardUrl(stack)}${path}`)).status;
  expect(await get("/api/dashboards/htl-replicas/data?range=15m&replica=signaling-1")).toBe(200);
  expect(await get("/api/dashboards/htl-replicas/data?range=99d")).toBe(400);
  expect(await get('/api/dashboards/htl-replicas/data?range=15m&replica=.%2B"})%20or%20vector(1)')).toBe(400);
  expect(await get("/api/dashboards/htl-nothing/data?range=15m")).toBe(404);
  const { page } = await openBoard(browser, stack, "/dashboards/htl-replicas");
  const heap = page.locator('[data-panel="Heap used"]');
  await until("three replicas are drawn", async () => (await heap.getAttribute("data-series")) === "3");
  await until("there is a choice", async () => (await page.locator("#replica option").count()) === 4);
  await page.locator("#replica").selectOption("signaling-2");
  await until("one is drawn", async () => (await heap.getAttribute("data-series")) === "1");
  await page.context().close();
});
