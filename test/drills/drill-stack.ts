import { afterAll, afterEach, beforeAll } from "vitest";
import { heal } from "../../ops/heal/heal.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

/**
 * One stack for all tests of a file, without calls of its own and healed after each test. Call the result inside a
 * test.
 */
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
