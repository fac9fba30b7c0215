import { expect, test } from "vitest";
import { createPendingBytes } from "./pending-bytes.ts";

const client = "192.0.2.1";

test("bytes after the end of a body do not count, so they do not block its client", () => {
  const pending = createPendingBytes({ perClient: 1_000_000, ipv6Prefix: 64 });
  const body = pending.beginBody(client);
  expect(body?.add(2_000_000)).toBe(false);
  body?.end();
  body?.add(2_000_000);
  expect(pending.beginBody(client)?.add(500_000)).toBe(true);
});

test("an announced body counts from its start, and once", () => {
  const pending = createPendingBytes({ perClient: 1_000_000, ipv6Prefix: 64 });
  const bodies = Array.from({ length: 10 }, () => pending.beginBody(client, 262_144));
  expect(bodies.map((body) => body !== undefined)).toEqual(bodies.map((_, index) => index < 3));
  expect(bodies[0]?.add(262_144)).toBe(true);
  for (const body of bodies) body?.end();
  expect(pending.beginBody(client, 900_000)?.add(900_000)).toBe(true);
});

test("pieces of one byte count as what they cost", () => {
  const pending = createPendingBytes({ perClient: 1_000_000, ipv6Prefix: 64 });
  const body = pending.beginBody(client);
  const pieces = Array.from({ length: 10_000 }, () => body?.add(1));
  expect(pieces.lastIndexOf(true)).toBeLessThan(4_000);
});
