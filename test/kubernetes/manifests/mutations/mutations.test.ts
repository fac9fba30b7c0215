import { expect, test } from "vitest";
import { renderWith } from "../objects.ts";
import { problemsOf } from "../problems.ts";
import { ofAvailability } from "./of-availability.ts";
import { ofComponents, ofNats } from "./of-components.ts";
import { ofPods } from "./of-pods.ts";
import { ofReach } from "./of-reach.ts";
import { ofStack } from "./of-stack.ts";

const monitored = renderWith(["monitoring"]).objects;
const full = renderWith(["monitoring", "sentinel", "proxy-protocol", "board"]).objects;
const nats = renderWith(["monitoring", "nats"]).objects;

for (const [objects, mutations] of [
  [monitored, { ...ofStack, ...ofPods, ...ofAvailability, ...ofReach }],
  [full, ofComponents],
  [nats, ofNats],
] as const)
  test.each(Object.entries(mutations))("a mutation is found: %s", (_, [change, wanted]) => {
    const changed = structuredClone(objects);
    change(changed);
    expect(problemsOf(changed).join("\n")).toMatch(wanted);
  });
