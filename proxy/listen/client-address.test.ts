import { expect, test } from "vitest";
import { addressSet, clientAddress } from "./client-address.ts";

const trusted = addressSet("10.0.0.0/8, 192.0.2.1, 2001:db8::/32");

test("a client's own X-Forwarded-For is not believed", () => {
  expect(clientAddress("203.0.113.5", "10.0.0.1", trusted)).toEqual(["203.0.113.5"]);
  expect(clientAddress("203.0.113.5", "10.0.0.1", addressSet(""))).toEqual(["203.0.113.5"]);
});

test("it is read from the right, as far as trusted proxies vouch for it", () => {
  expect(clientAddress("10.0.0.1", "198.51.100.1, 203.0.113.5, 10.9.9.9", trusted)).toEqual([
    ...["203.0.113.5", "10.9.9.9", "10.0.0.1"],
  ]);
  expect(clientAddress("::ffff:192.0.2.1", "203.0.113.5", trusted)).toEqual(["203.0.113.5", "192.0.2.1"]);
  expect(clientAddress("2001:db8::1", "10.1.1.1", trusted)).toEqual(["10.1.1.1", "2001:db8::1"]);
});

test("garbage ends the reading", () => {
  expect(clientAddress("10.0.0.1", "203.0.113.5, <script>", trusted)).toEqual(["10.0.0.1"]);
  expect(clientAddress("10.0.0.1", "203.0.113.5, garbage, 10.0.0.2", trusted)).toEqual(["10.0.0.2", "10.0.0.1"]);
});

test("a bad entry is named", () => {
  expect(() => addressSet("10.0.0.0/8, nonsense")).toThrow('"nonsense"');
});
