import fc from "fast-check";
import { expect, test } from "vitest";
import { rank } from "./rendezvous.ts";

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/), { minLength: 2, maxLength: 8 });

test("every replica is ranked once, for any order of the input", () => {
  fc.assert(
    fc.property(names, fc.string(), fc.string({ minLength: 1 }), (ids, key, secret) => {
      const ranked = rank(key, ids, secret);
      expect([...ranked].sort()).toEqual([...ids].sort());
      expect(rank(key, [...ids].reverse(), secret)).toEqual(ranked);
    }),
  );
});

test("removing a replica moves only its keys, each to the next in rank", () => {
  fc.assert(
    fc.property(names, fc.string(), fc.nat(), (ids, key, pick) => {
      const gone = ids[pick % ids.length] as string;
      const before = rank(key, ids, "s");
      const after = rank(
        key,
        ids.filter((id) => id !== gone),
        "s",
      );
      expect(after).toEqual(before.filter((id) => id !== gone));
    }),
  );
});

const keys = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);
const nodes = (count: number) => Array.from({ length: count }, (_, index) => `signaling-${index + 1}`);

test.each([2, 3, 5, 8])("10,000 keys spread over %i replicas within a tenth of even", (count) => {
  const held = new Map<string, number>();
  for (const key of keys) {
    const [first = ""] = rank(key, nodes(count), "secret");
    held.set(first, (held.get(first) ?? 0) + 1);
  }
  for (const id of nodes(count)) expect(Math.abs((held.get(id) ?? 0) / (keys.length / count) - 1)).toBeLessThan(0.1);
});

test.each([2, 3, 5])(
  "a replica added to %i takes at most a share of 1/N + 0.05, and no other replica gains keys",
  (count) => {
    const moved = keys.filter((key) => rank(key, nodes(count), "s")[0] !== rank(key, nodes(count + 1), "s")[0]);
    expect(moved.length / keys.length).toBeLessThanOrEqual(1 / (count + 1) + 0.05);
    for (const key of moved) expect(rank(key, nodes(count + 1), "s")[0]).toBe(`signaling-${count + 1}`);
  },
);

test("another secret gives another ranking", () => {
  const same = keys.filter((key) => rank(key, nodes(3), "a")[0] === rank(key, nodes(3), "b")[0]);
  expect(same.length / keys.length).toBeLessThan(0.4);
});
