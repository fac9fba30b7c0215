import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeReport } from "../../ops/report/write.ts";
import type { DrillResult } from "../../ops/runner/result.ts";
import type { ReportRow } from "../../services/board/reports.ts";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { boardUrl, openBoard } from "./board-page.ts";

let stack: ProcessStack;
let browser: Browser;

beforeAll(async () => {
  stack = await startProcessStack();
  browser = await startBrowser();
  writeReport(stack.root, madeResult(stack.name));
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** The findings of axe (https://github.com/dequelabs/axe-core) that are serious or critical. */
async function serious(page: Page): Promise<string[]> {
  // The debugger injects it, so the page's content security policy stays in force.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const runner = (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe;
    return (await runner.run()).violations;
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

/** A selector for each view that shows when it is loaded. */
const views = [
  ["/", "[data-part=signaling-3] .state"],
  ["/dashboards/htl-home", ".grid[data-drawn]"],
  ["/dashboards/htl-calls", ".grid[data-drawn]"],
  ["/reports", "[data-report]"],
  ["/runbooks", ".prose h1"],
  ["/trainer", "#token"],
] as const;

test.each(["light", "dark"] as const)("axe finds nothing serious on the board, %s", async (colorScheme) => {
  const found: string[] = [];
  for (const [path, ready] of views) {
    const { page, said } = await openBoard(browser, stack, path, { colorScheme });
    await page.waitForSelector(ready);
    found.push(...(await serious(page)).map((line) => `${path} ${line}`), ...said);
    await page.context().close();
  }
  expect(found).toEqual([]);
});

test("axe finds nothing serious on the call page and on a report", async () => {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${stack.engine.endpoints.proxy}/?room=axe`);
  await page.waitForSelector("#signaling");
  expect(await serious(page)).toEqual([]);
  const { rows } = (await (await fetch(`${boardUrl(stack)}/api/reports`)).json()) as { rows: ReportRow[] };
  const report = rows.find((row) => row.stack === stack.name);
  await page.goto(`${boardUrl(stack)}/reports/${report?.id}/report.html`);
  await page.waitForSelector("svg");
  expect(await serious(page)).toEqual([]);
  await context.close();
});

test("the keyboard reaches the views and the replay; with reduced motion nothing moves", async () => {
  const { page } = await openBoard(browser, stack, "/", { reducedMotion: "reduce" });
  await page.waitForSelector(".dot");
  const still = await page.evaluate(
    () => getComputedStyle(document.querySelector(".dot") as Element).transitionProperty,
  );
  expect(still).toBe("none");
  const reached = new Set<string>();
  for (let press = 0; press < 30; press += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent || ""));
  }
  for (const wanted of ["Live", "Dashboards", "Reports", "theme", "live", "play", "cursor"])
    expect([...reached]).toContain(wanted);
  await page.context().close();
});

test("the live page does not shift once it is drawn", async () => {
  const { page } = await openBoard(browser, stack);
  await page.waitForSelector("[data-part=signaling-3] .state");
  const shift = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) sum += (entry as unknown as { value: number }).value;
        }).observe({ type: "layout-shift", buffered: false });
        setTimeout(() => resolve(sum), 5_000);
      }),
  );
  expect(shift).toBeLessThan(0.01);
  await page.context().close();
});

test("a report opens in place, and two stand side by side", async () => {
  writeReport(stack.root, { ...madeResult(stack.name), startedAt: Date.now() });
  const { page } = await openBoard(browser, stack, "/reports");
  await page.waitForSelector("[data-report]");
  expect(await page.locator("[data-report]").count()).toBe(2);
  await page.locator("[data-report] button").first().click();
  const frame = page.frameLocator("dialog iframe");
  await until("the report is drawn in place", async () => (await frame.locator("svg").count()) > 0);
  await page.keyboard.press("Escape");
  for (const box of await page.locator("[data-report] input").all()) await box.check();
  await page.getByRole("button", { name: "Side by side" }).click();
  expect(await page.locator("dialog iframe").count()).toBe(2);
  await page.context().close();
});

test("the whole board is at most 400 KiB, compressed", () => {
  const dir = join(stack.root, "services/board/page/dist");
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));
  const sizes = files.map((name) => {
    const bytes = readFileSync(join(dir, name));
    return [gzipSync(bytes).length, brotliCompressSync(bytes).length] as const;
  });
  const [gzip, brotli] = [0, 1].map((index) => sizes.reduce((sum, size) => sum + (size[index] ?? 0), 0) / 1_024) as [
    number,
    number,
  ];
  process.stdout.write(`the board: ${gzip.toFixed(0)} KiB with gzip, ${brotli.toFixed(0)} KiB with brotli\n`);
  expect(gzip).toBeLessThan(400);
});

/** The board's status for a request with these headers. */
function status(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const { port, hostname } = new URL(boardUrl(stack));
    request({ path, port, hostname, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

test("the board answers only reads with a known Host, and its page runs no foreign code", async () => {
  for (const path of ["/", "/events", "/api/history", "/reports", "/metrics", "/api/trainer"]) {
    expect(await status(path, { headers: { host: "evil.example" } }), path).toBe(421);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) expect(await status(path, { method }), path).toBe(405);
  }
  expect(await status("/", { headers: { host: "localhost" } })).toBe(200);
  expect(await status("/api/trainer")).not.toBe(200);
  for (const path of [
    "/assets/../../../../package.json",
    "/reports/..%2f..%2f/report.html",
    "/api/runbooks/..%2fREADME",
  ])
    expect(await status(path), path).toBe(404);
  const { headers } = await fetch(boardUrl(stack));
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
});

/** A small drill result in the runner's form. */
function madeResult(name: string): DrillResult {
  const at = Date.now() - 60_000;
  const none = { count: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  const timeline = Array.from({ length: 12 }, (_, second) => ({
    at: at + second * 1_000,
    peersByNode: { "signaling-1": 4, "signaling-2": second < 5 ? 4 : 0 },
    reconnecting: second === 5 ? 4 : 0,
    sent: 40,
    received: 40,
    lost: second === 5 ? 1 : 0,
    reconnectsMs: second === 5 ? [101, 108, 120, 140] : [],
    localMs: { ...none, p95: 3 },
    remoteMs: { ...none, p95: 5 },
  }));
  return {
    drill: "kill-node",
    claim: "When a replica is killed mid-call, both peers are signaling again.",
    verdict: "passed",
    control: null,
    reasons: [],
    expectations: [
      { name: "reconnect p95", bound: "≤ 2500 ms", measured: 140, unit: "ms", ok: true, notApplicable: null },
    ],
    engine: "process",
    stack: name,
    seed: 1,
    node: "signaling-2",
    startedAt: at,
    injectedAt: at + 5_000,
    recoveredAt: at + 6_000,
    endedAt: at + 12_000,
    typed: ["kill -9 4711"],
    alerts: [{ name: "SignalingReplicaDown", from: at + 7_000, to: at + 11_000 }],
    calls: {
      timeline,
      peers: [],
      calls: { established: 4 },
      media: { connected: 1 },
      signals: { sent: 480, received: 479, lost: 1, lostAfterRejoin: 0, duplicated: 2, stale: 0, refused: {} },
    } as unknown as DrillResult["calls"],
    runbook: "SignalingReplicaDown",
    dashboard: "Drill live",
    teaches: "A replica is cattle.",
  };
}
