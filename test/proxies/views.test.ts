import fc from "fast-check";
import { expect, test } from "vitest";
import { route } from "../../proxy/routing/route.ts";
import { healthFirst, play, schedules } from "./views-model.ts";

test("proxies whose views disagree: no session on two replicas, one loss a change of view, none once they agree", () => {
  fc.assert(
    fc.property(schedules, (schedule) => play(schedule, route)),
    { numRuns: 10_000 },
  );
});

test("a proxy that asks its own view before the session is found out", () => {
  const found = fc.check(
    fc.property(schedules, (schedule) => play(schedule, healthFirst)),
    { numRuns: 10_000 },
  );
  expect(found.failed).toBe(true);
  expect(String(found.errorInstance)).toMatch(/is asked for at .* too/);
});
