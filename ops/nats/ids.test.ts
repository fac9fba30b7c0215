import { expect, test } from "vitest";
import { isNats, natsIds, natsLinkPort } from "./ids.ts";

test("a stack has NATS servers only with BACKPLANE=nats", () => {
  expect(natsIds({})).toEqual([]);
  expect(natsIds({ NATS: "cluster" })).toEqual([]);
  expect(natsIds({ BACKPLANE: "nats" })).toEqual(["nats"]);
  expect(natsIds({ BACKPLANE: "nats", NATS: "cluster" })).toEqual(["nats", "nats-2", "nats-3"]);
});

test("a NATS server is known by its id", () => {
  expect(["nats", "nats-2", "redis", "natsy", "signaling-1"].map(isNats)).toEqual([true, true, false, false, false]);
});

test("the first server is reached by the link that Redis would have", () => {
  expect(["nats", "nats-2"].map((id) => natsLinkPort("4", id))).toEqual(["LINK_4_PORT", "LINK_4_NATS_2_PORT"]);
});
