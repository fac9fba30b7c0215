import { expect, test } from "vitest";
import { createOffersOfPeer } from "./offers-of-peer.ts";

const answer = { description: null, offerId: "a" };

test("an offer repeated before its answer must still be answered", () => {
  const offers = createOffersOfPeer();
  expect([offers.take("a"), offers.take("a")]).toEqual(["new", "new"]);
});

test("a repeated offer gets the same answer again", () => {
  const offers = createOffersOfPeer();
  offers.take("a");
  offers.answered(answer);
  expect(offers.take("a")).toEqual({ answer });
});

test("an offer replaced by a newer one is out of date, answered or not", () => {
  const offers = createOffersOfPeer();
  offers.take("a");
  offers.answered(answer);
  expect([offers.take("b"), offers.take("c")]).toEqual(["new", "new"]);
  expect([offers.take("a"), offers.take("b"), offers.take("c")]).toEqual(["outdated", "outdated", "new"]);
});

test("an offer that lost a collision is out of date when it is repeated", () => {
  const offers = createOffersOfPeer();
  offers.take("a");
  offers.lost();
  expect([offers.take("a"), offers.take("b")]).toEqual(["outdated", "new"]);
});
