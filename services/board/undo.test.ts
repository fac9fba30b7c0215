import { expect, test } from "vitest";
import { undoOf } from "./undo.ts";

test.each([
  ["kill", "signaling-2", "make start-node NODE=2"],
  ["kill", "redis", "make start-redis"],
  ["pause", "proxy", "make resume-proxy"],
  ["pause", "signaling-5", "make resume-node NODE=5"],
  ["drain", "signaling-1", "make undrain-node NODE=1"],
  ["partition", "signaling-1", "make heal"],
  ["kill", "proxy-2", "make start-proxy PROXY=2"],
  ["pause", "redis-2", "make resume-redis SERVER=2"],
  ["kill", "nats", "make start-nats"],
  ["pause", "nats-3", "make resume-nats SERVER=3"],
  ["kill", "sentinel-1", "make heal"],
  ["slow", "redis", "make heal"],
])("%s %s is undone by %j", (action, target, command) => {
  expect(undoOf({ action, target }, "make")).toBe(command);
});
