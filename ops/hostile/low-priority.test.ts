import { getPriority } from "node:os";
import { expect, test } from "vitest";
import { atLowPriority } from "./low-priority.ts";

test("an attack runs at low priority and its result or failure comes through", async () => {
  expect(await atLowPriority(async () => getPriority())).toBeGreaterThanOrEqual(10);
  await expect(atLowPriority(() => Promise.reject(new Error("cut off")))).rejects.toThrow("cut off");
});
