import { afterAll, afterEach, beforeAll } from "vitest";
import { heal } from "../../ops/heal/heal.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

/**
 * One stack for all tests of a file, healed after each test. It has no calls of its own, unless the settings say so.
 * Call the result inside a test.
 */
export function useDrillStack(settings: Record<string, string> = {}): () => ProcessStack {
  let stack: ProcessStack;
  beforeAll(async () => {
    stack = await startProcessStack({ CALLS: "0", PROBE_EVERY_MS: "0", ...settings });
  });
  afterEach(async () => {
    await heal(stack);
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());
  return () => stack;
}
