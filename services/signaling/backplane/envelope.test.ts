import { expect, test } from "vitest";
import { open, stamp } from "./envelope.ts";

test("what is stamped comes out unchanged, with its transit time", () => {
  const opened = open(stamp(Buffer.from([0, 255, 7]), 1_000), 1_004);
  expect(opened).toEqual({ ok: true, payload: Buffer.from([0, 255, 7]), transitMs: 4 });
});

test("more than a second in transit is stale, a second is not", () => {
  expect(open(stamp("x", 1_000), 2_000).ok).toBe(true);
  expect(open(stamp("x", 1_000), 2_001)).toMatchObject({ ok: false, reason: "stale" });
});

test("what has no stamp is foreign", () => {
  expect(open(Buffer.from("poison"), 0)).toMatchObject({ ok: false, reason: "foreign" });
  expect(open(Buffer.from("a long poisoned payload"), 0)).toMatchObject({ ok: false, reason: "foreign" });
});

test("a clock that runs ahead makes no negative transit", () => {
  expect(open(stamp("x", 5_000), 4_000)).toMatchObject({ ok: true, transitMs: 0 });
});
