import { expect, test } from "vitest";
import { chosen } from "./chosen.ts";

const peer = (peerId: string, cameAt: number, spokeAt = Number.NEGATIVE_INFINITY) => ({ peerId, cameAt, spokeAt });

test("as many as fit are all shown, in the order in which they came", () => {
  expect(chosen([peer("b", 2), peer("a", 1, 9)], 2)).toEqual(["a", "b"]);
  expect(chosen([], 6)).toEqual([]);
});

test("of more, those who came last are shown", () => {
  expect(chosen([peer("a", 1), peer("b", 2), peer("c", 3)], 2)).toEqual(["b", "c"]);
});

test("who speaks takes the place of who was silent longest", () => {
  expect(chosen([peer("a", 1, 10), peer("b", 2), peer("c", 3)], 2)).toEqual(["a", "c"]);
});
