import { expect, test } from "vitest";
import { subjectOf } from "./subject.ts";

test("a channel becomes one token below the prefix, whatever its name is", () => {
  const names = ["room:a.b", "room:*", "room:>", "room:a b\t\r\n", "é".repeat(128), "socket.io#/signaling#r:1#", "%2E"];
  for (const name of names) expect(subjectOf(name)).toMatch(/^hold-the-line\.[^\s.*>]+$/);
});

test("two channels never share a subject", () => {
  const names = ["a.b", "a%2Eb", "a*b", "a%2Ab", "a b", "a%20b", "ab", "A.b"];
  expect(new Set(names.map(subjectOf)).size).toBe(names.length);
});

test("the longest channel, of a room of 128 wide characters, fits in a line of the protocol (4096 bytes)", () => {
  expect(subjectOf(`socket.io#/signaling#r:${"\u{1F600}".repeat(64)}#`).length).toBeLessThan(2_048);
});
