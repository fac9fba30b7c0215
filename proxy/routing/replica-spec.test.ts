import { expect, test } from "vitest";
import { parseReplicas } from "./replica-spec.ts";

test("a range expands to its numbers, in every place of the entry", () => {
  const specs = parseReplicas("s-{9..11}=http://s-{9..11}:3000|http://s-{9..11}.admin:9100/readyz,other=http://other");
  expect(specs.map(({ id, host, readyHost }) => [id, host, readyHost])).toEqual([
    ["s-9", "s-9", "s-9.admin"],
    ["s-10", "s-10", "s-10.admin"],
    ["s-11", "s-11", "s-11.admin"],
    ["other", "other", "other"],
  ]);
});

test.each([
  ["two ranges", "s-{0..2}=http://s-{0..3}:3000"],
  ["a range that falls", "s-{3..0}=http://s-{3..0}:3000"],
  ["no number", "s-{a..c}=http://s-{a..c}:3000"],
  ["a range that is too wide", "s-{0..256}=http://s-{0..256}:3000"],
  ["braces that do not close", "s-{0..2=http://s-{0..2:3000"],
  ["a name twice, once by a range", "s-1=http://a,s-{0..2}=http://s-{0..2}"],
])("%s is refused with the entry", (_what, text) => {
  expect(() => parseReplicas(text)).toThrow(/s-/);
});
