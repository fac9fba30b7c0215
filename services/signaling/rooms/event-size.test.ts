import fc from "fast-check";
import { expect, test } from "vitest";
import { eventSize, maxDepth } from "./event-size.ts";

test("counts what JSON takes, and at the most a comma more for each array and object", () => {
  const values = [fc.stringMatching(/^[a-zé]{0,40}$/)];
  const key = fc.stringMatching(/^[a-z]{1,8}$/);
  fc.assert(
    fc.property(fc.array(fc.anything({ values, key, maxDepth: 5 })), (args) => {
      const json = JSON.stringify(args);
      const over = (eventSize(args) ?? Number.NaN) - Buffer.byteLength(json);
      expect(over).toBeGreaterThanOrEqual(0);
      expect(over).toBeLessThanOrEqual(json.match(/[[{]/g)?.length ?? 0);
    }),
  );
});

test("a binary part counts with its length, and depth has a limit", () => {
  expect(eventSize([{ roomId: "r", blob: Buffer.alloc(70_000) }])).toBeGreaterThan(70_000);
  let nested: unknown = 1;
  for (let level = 0; level < maxDepth - 1; level += 1) nested = [nested];
  expect(eventSize([nested])).toBeGreaterThan(maxDepth);
  expect(eventSize([[nested]])).toBeUndefined();
});
