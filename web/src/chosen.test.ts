import { expect, test } from "vitest";
import { chosen } from "./chosen.ts";

const peer = (peerId: string, cameAt: number, spokeAt = Number.NEGATIVE_INFINITY) => ({ peerId, cameAt, spokeAt });

test("up to the limit all are shown, in the order of their arrival", () => {
  expect(chosen([peer("b", 2), peer("a", 1, 9)], 2)).toEqual(["a", "b"]);
  expect(chosen([], 6)).toEqual([]);
});

test("above the limit those who came last are shown", () => {
  expect(chosen([peer("a", 1), peer("b", 2), peer("c", 3)], 2)).toEqual(["b", "c"]);
});

test("a speaking peer replaces the one that was silent longest", () => {
  expect(chosen([peer("a", 1, 10), peer("b", 2), peer("c", 3)], 2)).toEqual(["a", "c"]);
});
