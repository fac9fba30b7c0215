import { expect, test } from "vitest";
import { createPendingBytes } from "./pending-bytes.ts";

const client = "192.0.2.1";

test("what comes of a body after its end counts for nothing: its client is not refused for good", () => {
  const pending = createPendingBytes({ perClient: 1_000_000, ipv6Prefix: 64 });
  const body = pending.beginBody(client);
  expect(body?.add(2_000_000)).toBe(false);
  body?.end();
  body?.add(2_000_000);
  expect(pending.beginBody(client)?.add(500_000)).toBe(true);
});

test("pieces of one byte count as what they cost", () => {
  const pending = createPendingBytes({ perClient: 1_000_000, ipv6Prefix: 64 });
  const body = pending.beginBody(client);
  const pieces = Array.from({ length: 10_000 }, () => body?.add(1));
  expect(pieces.lastIndexOf(true)).toBeLessThan(4_000);
});
