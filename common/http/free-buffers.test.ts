import { expect, test } from "vitest";
import { freeNow } from "./free-buffers.ts";

test("a buffer with its own memory is released; a part of a larger one is not", () => {
  const own = Buffer.alloc(100_000, 1);
  const pooled = Buffer.from("from the pool");
  const part = Buffer.alloc(100, 2).subarray(0, 50);
  freeNow([own, pooled, part, Buffer.alloc(0)]);
  expect(own.length).toBe(0);
  expect(pooled.toString()).toBe("from the pool");
  expect(part[49]).toBe(2);
});
