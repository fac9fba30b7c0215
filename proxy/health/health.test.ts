import { expect, test } from "vitest";
import { type Health, type Observation, observe, unprobed } from "./health.ts";

const ready: Observation = { kind: "ready" };
const refused: Observation = { kind: "failed", cause: "refused", detail: "" };
const timeout: Observation = { kind: "failed", cause: "timeout", detail: "" };
const draining: Observation = { kind: "draining" };

function after(seen: Observation[], last = false, from: Health = unprobed): Health["state"] {
  return seen.reduce((health, one) => observe(health, one, { fall: 2, rise: 2, last }), from).state;
}

test("the first probe decides alone", () => {
  expect(after([])).toBe("down");
  expect(after([ready])).toBe("ready");
  expect(after([draining])).toBe("draining");
  expect(after([refused])).toBe("down");
});

test("two failures in a row eject a replica, a single one does not", () => {
  expect(after([ready, refused])).toBe("ready");
  expect(after([ready, refused, ready, refused])).toBe("ready");
  expect(after([ready, refused, timeout])).toBe("down");
});

test("a replica is back after two successes in a row", () => {
  const down = [ready, refused, refused];
  expect(after([...down, ready])).toBe("down");
  expect(after([...down, ready, refused, ready])).toBe("down");
  expect(after([...down, ready, ready])).toBe("ready");
});

test("draining and degraded count at once", () => {
  expect(after([ready, draining])).toBe("draining");
  expect(after([ready, { kind: "degraded" }])).toBe("degraded");
  expect(after([ready, draining, ready])).toBe("ready");
});

test("time-outs alone never eject the last replica; with a refusal among them they do", () => {
  expect(after([ready, timeout, timeout, timeout], true)).toBe("ready");
  expect(after([ready, timeout, refused], true)).toBe("down");
  expect(after([ready, timeout, timeout], false)).toBe("down");
});
