import { expect, test } from "vitest";
import { crossOriginAdvice } from "./cross-origin.ts";

test("only * gives advice, which also says that other origins beside it have no effect", () => {
  expect(crossOriginAdvice(undefined)).toBeUndefined();
  expect(crossOriginAdvice(["https://app.example.com"])).toBeUndefined();
  expect(crossOriginAdvice(["*"])).toMatch(/never with withCredentials \(docs/);
  expect(crossOriginAdvice(["https://app.example.com", "*"])).toMatch(/the other origins in it change nothing/);
});
