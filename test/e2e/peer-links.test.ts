import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { startBrowser } from "./browser.ts";
import { servePageOf } from "./own-pages.ts";
import type { Pair } from "./peer-links-page.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser?.close());

test("links agree on simultaneous tracks and ICE restarts on a channel with delays, repeats, lost answers or nameless signals", async () => {
  await using pages = await servePageOf("test/e2e/peer-links-page.ts");
  const page = await (await browser.newContext()).newPage();
  await page.goto(pages.url);
  const channels = [
    { latencyMs: 900, repeatAfterMs: 0, nameless: "none", lostAnswers: 0 },
    { latencyMs: 0, repeatAfterMs: 250, nameless: "none", lostAnswers: 0 },
    { latencyMs: 100, repeatAfterMs: 700, nameless: "none", lostAnswers: 2 },
    { latencyMs: 50, repeatAfterMs: 0, nameless: "polite", lostAnswers: 1 },
    { latencyMs: 50, repeatAfterMs: 0, nameless: "impolite", lostAnswers: 1 },
  ];
  await page.evaluate((given) => {
    const { createPair } = globalThis as unknown as { createPair: (channel: unknown) => Pair };
    Object.assign(globalThis, { pairs: given.map((channel) => createPair(channel)) });
  }, channels);
  const each = <T>(run: (pair: Pair) => T) =>
    page.evaluate(
      (text) =>
        (globalThis as unknown as { pairs: Pair[] }).pairs.map(
          new Function("pair", `return (${text})(pair)`) as (pair: Pair) => T,
        ),
      String(run),
    );
  const agree = (what: string) =>
    until(what, async () => (await each((pair) => pair.disagreement())).every((difference) => difference === ""), {
      withinMs: 30_000,
      everyMs: 100,
    }).catch(async (error: Error) => {
      throw new Error(
        `${error.message}\n${JSON.stringify(await each((pair) => [pair.disagreement(), pair.problems]))}`,
      );
    });

  await each((pair) => pair.addTrack(1));
  await agree("a first track");
  await each((pair) => {
    pair.addTrack(0);
    pair.addTrack(1);
  });
  await agree("a track from each side at once");
  const before = await each((pair) => [pair.ufrag(0), pair.ufrag(1)]);
  await each((pair) => {
    pair.restartIce(0);
    pair.addTrack(1);
  });
  await until(
    "ICE has fresh credentials",
    async () => {
      const now = await each((pair) => [pair.ufrag(0), pair.ufrag(1)]);
      return now.every((ufrags, index) => ufrags.every((ufrag, side) => ufrag !== before[index]?.[side]));
    },
    { withinMs: 30_000, everyMs: 100 },
  );
  await agree("an ICE restart and a track at once");
  const problems = (await each((pair) => pair.problems)).map((list) => list.join());
  expect(problems).toEqual(channels.map(() => ""));
});
