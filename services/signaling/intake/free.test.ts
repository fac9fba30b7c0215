import { expect, test } from "vitest";
import { freeNow } from "./free.ts";

test("a buffer with memory of its own is given back, a part of something larger is not touched", () => {
  const own = Buffer.alloc(100_000, 1);
  const pooled = Buffer.from("from the pool");
  const part = Buffer.alloc(100, 2).subarray(0, 50);
  freeNow([own, pooled, part, Buffer.alloc(0)]);
  expect(own.length).toBe(0);
  expect(pooled.toString()).toBe("from the pool");
  expect(part[49]).toBe(2);
});
