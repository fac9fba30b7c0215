import { expect, test } from "vitest";
import { nodeVersionProblem } from "./node-version.ts";

test.each(["24.18.1", "24.18.2", "24.21.0", "25.0.0", "26.1.0-nightly"])("Node %s runs the programs", (version) => {
  expect(nodeVersionProblem(version)).toBeUndefined();
});

test.each(["24.18.0", "24.9.9", "24.0.0", "23.99.99", "22.22.0", "20.20.0", "24.18"])(
  "Node %s is too old",
  (version) => {
    expect(nodeVersionProblem(version)).toMatch(/^Node \S+ is too old: install Node 24\.18\.1 or later/);
  },
);
