import { expect, test } from "vitest";
import { readAnswer } from "./answer.ts";

test.each([
  ["kill redis", "redis", "kill"],
  ["redis kill", "redis", "kill"],
  ["Redis is dead!", "redis", "kill"],
  ["make kill-redis", "redis", "kill"],
  ["kill-node NODE=2", "signaling-2", "kill"],
  ["signaling-3 killed", "signaling-3", "kill"],
  ["signaling3 frozen", "signaling-3", "pause"],
  ["replica 1 hangs", "signaling-1", "pause"],
  ["the backplane is paused", "redis", "pause"],
  ["node-2 is cut off from redis", "signaling-2", "partition"],
  ["partition signaling-1", "signaling-1", "partition"],
  ["redis latency", "redis", "slow"],
  ["slow  REDIS", "redis", "slow"],
])("%j names %s and %s", (text, target, action) => {
  expect(readAnswer(text)).toEqual({ target, action, several: false });
});

test.each(["signaling-1 or signaling-2 killed", "kill or pause redis", "redis and proxy dead"])(
  "%j names several faults and counts as none",
  (text) => {
    expect(readAnswer(text).several).toBe(true);
  },
);

test("other text names nothing", () => {
  expect(readAnswer("I have no idea")).toEqual({ target: null, action: null, several: false });
  expect(readAnswer("redis is down")).toEqual({ target: "redis", action: null, several: false });
});
