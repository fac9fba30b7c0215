import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { drills } from "../../ops/drills/drills.ts";
import { heal } from "../../ops/heal/heal.ts";
import { runDrill } from "../../ops/runner/runner.ts";
import { unsteady } from "../../ops/stack/steady.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

/** The drills that work with an application in place of the replicas. */
export const appDrills = ["kill-node", "freeze-node", "kill-proxy", "storm", "roll", "double-kill"] as const;

/**
 * Runs these drills with an example application in place of the replicas. Each must pass.
 *
 * @param options.install true if its server comes from npm
 * @param options.controls also runs the negative controls, which must deviate
 */
export function testApp(example: string, names: readonly string[], { install = false, controls = false } = {}): void {
  describe(example, () => {
    let stack: ProcessStack;
    beforeAll(async () => {
      if (install) execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", `examples/${example}`]);
      stack = await startProcessStack({ APP: `examples/${example}/app.env`, CALLS: "0", PROBE_EVERY_MS: "0" });
    });
    afterEach(() => heal(stack));
    afterAll(() => stack?.[Symbol.asyncDispose]());

    test.for(names)("%s passes with it in place of the replicas", async (name) => {
      const { verdict, why } = await drilled(stack, name, false);
      expect([name, verdict], why).toEqual([name, "passed"]);
      await heal(stack);
      expect(await unsteady(stack)).toEqual([]);
    });

    if (!controls) return;
    test.for(names)("negative control: %s deviates when what it proves is off", async (name) => {
      const { verdict, why } = await drilled(stack, name, true);
      expect([name, verdict], why).toEqual([name, "deviated"]);
    });
  });
}

async function drilled(stack: ProcessStack, name: string, control: boolean): Promise<{ verdict: string; why: string }> {
  const drill = drills.find((one) => one.name === name);
  if (drill === undefined) throw new Error(`no drill ${name}`);
  const { signal } = new AbortController();
  const result = await runDrill(stack, drill, { seed: 1, control, signal, tell: () => undefined });
  const failed = result.expectations.filter(({ ok }) => !ok).map((one) => `${one.name}: ${one.measured}`);
  const away = (result.calls?.peers ?? [])
    .filter(({ state, node }) => state !== "joined" || node === null)
    .map(({ call, side, state, transports, node }) => `${call}${side} (${transports}) is ${state} on ${node}`);
  return { verdict: result.verdict, why: [...result.reasons, ...failed, ...away.slice(0, 5)].join("; ") };
}
