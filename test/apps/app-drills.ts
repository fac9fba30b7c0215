import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { drills } from "../../ops/drills/drills.ts";
import { heal } from "../../ops/heal/heal.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { startProcessStack } from "../support/process-stack.ts";

/** The drills that an application of one's own can hold. */
export const appDrills = ["kill-node", "freeze-node", "kill-proxy", "storm", "roll", "double-kill"] as const;

/** Runs these drills with an example application in place of the replicas: each must pass. */
export function testApp(example: string, names: readonly string[], { install = false } = {}): void {
  test(`${example}: ${names.join(", ")} pass with it in place of the replicas`, async () => {
    if (install) execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", `examples/${example}`]);
    await using stack = await startProcessStack({
      APP: `examples/${example}/app.env`,
      CALLS: "0",
      PROBE_EVERY_MS: "0",
    });
    for (const name of names) {
      const drill = drills.find((one) => one.name === name);
      if (drill === undefined) throw new Error(`no drill ${name}`);
      const signal = new AbortController().signal;
      const result = await runDrill(stack, drill, { seed: 1, calls: { calls: 15 }, signal, tell: () => undefined });
      const failed = result.expectations.filter(({ ok }) => !ok).map((one) => `${one.name}: ${one.measured}`);
      expect([name, result.verdict], [...result.reasons, ...failed].join("; ")).toEqual([name, "passed"]);
      await heal(stack);
      expect(await unsteady(stack)).toEqual([]);
    }
  });
}
