import { afterAll, afterEach, beforeAll } from "vitest";
import { heal } from "../../ops/heal/heal.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

/** One stack for all tests of a file, without calls of its own, healed after each; asked for once they run. */
export function useDrillStack(): () => ProcessStack {
  let stack: ProcessStack;
  beforeAll(async () => {
    stack = await startProcessStack({ CALLS: "0", PROBE_EVERY_MS: "0" });
  });
  afterEach(async () => {
    await heal(stack);
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());
  return () => stack;
}
