import { expect, test } from "vitest";
import { crossOriginAdvice } from "./cross-origin.ts";

test("only a star is worth a word, and what stands beside it is said to change nothing", () => {
  expect(crossOriginAdvice(undefined)).toBeUndefined();
  expect(crossOriginAdvice(["https://app.example.com"])).toBeUndefined();
  expect(crossOriginAdvice(["*"])).toMatch(/never with withCredentials \(docs/);
  expect(crossOriginAdvice(["https://app.example.com", "*"])).toMatch(/the other origins in it change nothing/);
});
