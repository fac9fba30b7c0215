import { expect, test } from "vitest";
import { originMayConnect } from "./origin.ts";

test("the host is the client's original one, and a refusal logs both values", () => {
  const told: unknown[][] = [];
  const may = (headers: Record<string, string>, allowed?: string[]) =>
    originMayConnect(headers, allowed, (...values) => told.push(values));
  const origin = "https://calls.example";
  expect(may({ host: "signaling-1:3000", "x-forwarded-host": "calls.example:443", origin })).toBe(true);
  expect(may({ host: "calls.example", "x-forwarded-host": "", origin })).toBe(true);
  expect(may({ host: "signaling-1:3000" })).toBe(true);
  expect(may({ host: "signaling-1:3000", "x-forwarded-host": "app.example", origin: "https://app.example" })).toBe(
    true,
  );
  expect(may({ host: "x", origin: "https://other.example" }, ["https://other.example"])).toBe(true);
  expect(told).toEqual([]);
  expect(may({ host: "signaling-1:3000", origin })).toBe(false);
  expect(may({ host: "calls.example", "x-forwarded-host": "evil.example", origin })).toBe(false);
  expect(told).toEqual([
    [origin, "signaling-1:3000"],
    [origin, "evil.example"],
  ]);
});
