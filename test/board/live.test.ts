import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CallsReport } from "../../common/calls.ts";
import { runAction } from "../../ops/chaos/actions.ts";
import { drills } from "../../ops/drills/drills.ts";
import { heal } from "../../ops/heal/heal.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { askAdmin } from "../../ops/stack/http.ts";
import { startBrowser } from "../e2e/browser.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";
import { openBoard, partOf, seenBy, takePictures, watchBoard } from "./board-page.ts";

const replicas = ["signaling-1", "signaling-2", "signaling-3"];

let stack: ProcessStack;
let browser: Browser;

beforeAll(async () => {
  // Without probes, so that every peer belongs to a held call.
  stack = await startProcessStack({ CALLS: "10", PROBE_EVERY_MS: "0" });
  browser = await startBrowser();
  await until("the calls are up", async () => (await heldCalls()).calls.established === 10, { withinMs: 30_000 });
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

async function heldCalls(): Promise<CallsReport> {
  const { callerAdmin } = stack.engine.endpoints;
  const { runs } = await askAdmin<{ runs: string[] }>(`${callerAdmin}/calls`);
  return askAdmin<CallsReport>(`${callerAdmin}/calls/${runs[0]}`);
}

test("every replica is shown within 2 s of the load, with its state, its peers, and one dot for each peer", async () => {
  const { page, said } = await openBoard(browser, stack);
  const opened = Date.now();
  for (const id of replicas)
    await until(`${id} is shown`, async () => (await partOf(page, id))?.state === "ready", { withinMs: 2_000 });
  await until("there is a dot for each of 20 peers", async () => (await page.locator(".dot").count()) === 20, {
    withinMs: 2_000,
  });
  expect(Date.now() - opened).toBeLessThan(2_500);
  const peers = await Promise.all(replicas.map(async (id) => (await partOf(page, id))?.peers ?? 0));
  expect(peers.reduce((sum, count) => sum + count, 0)).toBe(20);
  for (const id of ["proxy", "redis", "caller", "prometheus", "alertmanager"])
    expect(await partOf(page, id)).toMatchObject({ state: "up" });
  await takePictures(browser, stack, "calm");
  expect(said).toEqual([]);
  await page.context().close();
});

test("a kill: the box changes within 1 s, dots follow their peers within 1 s, mark and alert appear, heal clears them, replay shows it again", async () => {
  const { page, said } = await openBoard(browser, stack);
  await until("the board is live", async () => (await page.locator(".dot").count()) === 20);
  const before = await heldCalls();
  const victim = replicas.toSorted(
    (a, b) =>
      before.peers.filter(({ node }) => node === b).length - before.peers.filter(({ node }) => node === a).length,
  )[0] as string;
  await watchBoard(page);
  const killedAt = Date.now();
  await runAction(stack, "kill", victim);

  // The page notes a change at its next frame, which may come after a look from here.
  const [fellAt] = await until(
    "the box is down",
    async () =>
      (await seenBy(page)).states.find(([at, id, state]) => at >= killedAt && id === victim && state === "down"),
    { withinMs: 5_000 },
  );
  expect(fellAt - killedAt).toBeLessThan(1_000);

  const back = await until(
    "all peers are back",
    async () => {
      const { peers } = await heldCalls();
      const outages = peers.flatMap((peer) => peer.outages.filter(({ at }) => at >= killedAt - 100));
      return peers.every(({ node }) => node !== null && node !== victim) &&
        outages.every(({ backAt }) => backAt !== null)
        ? outages.map(({ backAt }) => backAt as number).sort((a, b) => a - b)
        : undefined;
    },
    { withinMs: 15_000, everyMs: 100 },
  );
  expect(back.length).toBeGreaterThan(0);
  const moved = await until("all their dots have moved", async () => {
    const arrived = Object.values((await seenBy(page)).arrived).filter(([at, id]) => at > killedAt && id !== victim);
    return arrived.length >= back.length ? arrived.map(([at]) => at).sort((a, b) => a - b) : undefined;
  });
  // Compares the n-th arriving dot with the n-th returning peer.
  const late = back.map((at, index) => (moved[index] ?? Number.POSITIVE_INFINITY) - at);
  process.stdout.write(
    `box down ${fellAt - killedAt} ms after the kill; dots ${Math.max(...late)} ms after the re-join at the latest\n`,
  );
  expect(Math.max(...late)).toBeLessThan(1_000);

  const mark = page.locator(`[data-fault="kill ${victim}"]`);
  await until("the mark is shown", async () => (await mark.count()) === 1, { withinMs: 3_000 });
  expect(await mark.locator("code").textContent()).toBe(`STACK=${stack.name} make start-node NODE=${victim.slice(-1)}`);
  const alert = page.locator('[data-alert="SignalingReplicaDown"][data-alert-state="firing"]');
  await until("the alert is shown", async () => (await alert.count()) === 1, { withinMs: 60_000, everyMs: 200 });
  await alert.locator("button").click();
  await until("its runbook is rendered", async () =>
    ((await page.locator("dialog .prose").textContent()) ?? "").includes("make"),
  );
  await page.keyboard.press("Escape");
  await takePictures(browser, stack, "killed");

  await heal(stack);
  await until("the box is ready", async () => (await partOf(page, victim))?.state === "ready");
  await until("mark and alert are gone", async () => (await page.locator("[data-fault], [data-alert]").count()) === 0, {
    withinMs: 90_000,
    everyMs: 200,
  });

  // The keyboard moves the cursor a second for each key, to half a second after the kill.
  const slider = page.locator("#cursor");
  await slider.focus();
  await until(
    "the replay shows the replica down again, and what did it",
    async () => {
      await page.keyboard.press("ArrowLeft");
      return (await partOf(page, victim))?.state === "down" && (await mark.count()) === 1;
    },
    { withinMs: 30_000, everyMs: 50 },
  );
  expect(await page.locator(".live").getAttribute("data-mode")).toBe("replay");
  expect((await partOf(page, victim))?.peers).toBe(0);
  const shown = Number(await page.locator(".live").getAttribute("data-at"));
  expect(shown).toBeGreaterThan(killedAt);
  await page.locator("#play").click();
  await until("it plays", async () => Number(await page.locator(".live").getAttribute("data-at")) > shown + 500);
  await page.locator("#live").click();
  await until("live again", async () => (await partOf(page, victim))?.state === "ready");
  expect(said).toEqual([]);
  await page.context().close();
});

test("a drill appears with claim, phase and changing expectations, and disappears at its end", async () => {
  const drill = drills.find(({ name }) => name === "kill-node");
  if (drill === undefined) throw new Error("no drill kill-node");
  const { page } = await openBoard(browser, stack);
  const running = runDrill(stack, drill, {
    seed: 1,
    calls: { calls: 10 },
    signal: new AbortController().signal,
    tell: () => undefined,
  });
  const card = page.locator('[data-drill="kill-node"]');
  await until("the drill is shown", async () => (await card.count()) === 1, { withinMs: 150_000, everyMs: 100 });
  expect(await card.textContent()).toContain(drill.claim);
  const phases = new Set<string>();
  await until(
    "its phase has changed and an expectation has ticked",
    async () => {
      phases.add((await card.locator("[data-phase]").textContent()) ?? "");
      return phases.size > 1 && (await card.locator('[data-ok="true"]').count()) > 0;
    },
    { withinMs: 60_000, everyMs: 100 },
  );
  await takePictures(browser, stack, "drill");
  const result = await running;
  expect(result.verdict).toBe("passed");
  await until("the drill is gone", async () => (await card.count()) === 0);
  await page.context().close();
}, 300_000);
