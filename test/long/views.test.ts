import fc from "fast-check";
import { test } from "vitest";
import { route } from "../../proxy/routing/route.ts";
import { play, schedules } from "../proxies/views-model.ts";

/** Schedules of proxies whose views disagree. */
const runs = 100_000;

test(`${runs} schedules of proxies whose views disagree`, () => {
  const since = performance.now();
  fc.assert(
    fc.property(schedules, (schedule) => play(schedule, route)),
    { numRuns: runs },
  );
  const seconds = Math.round((performance.now() - since) / 1_000);
  process.stdout.write(`${runs} schedules of 2 to 5 proxies and 3 replicas: every promise held, in ${seconds} s\n`);
});
