import { expect, test } from "vitest";
import { addressSet, canonicalAddress, limitKey, nodeAddress } from "./client-address.ts";

test.each([
  ["203.0.113.5", "203.0.113.5"],
  ["::ffff:203.0.113.5", "203.0.113.5"],
  ["::FFFF:203.0.113.5", "203.0.113.5"],
  ["::ffff:cb00:7105", "203.0.113.5"],
  ["0:0:0:0:0:ffff:cb00:7105", "203.0.113.5"],
  ["2001:DB8::0001", "2001:db8::1"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["::", "::"],
])("%s is %s", (text, address) => {
  expect(canonicalAddress(text)).toBe(address);
});

test.each(["", "unknown", "1", "127.1", "0x7f.0.0.1", "010.0.0.1", "1.2.3.4.5", "g::1", "1:2", ":".repeat(5_000)])(
  "%s is no address",
  (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  },
);

test.each([
  ["203.0.113.5:4711", "203.0.113.5"],
  ['"203.0.113.5"', "203.0.113.5"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["[2001:DB8::1]:443", "2001:db8::1"],
  ['"[2001:db8::1]:443"', "2001:db8::1"],
  [' "[::ffff:cb00:7105]:1"\t', "203.0.113.5"],
  ["2001:db8::1", "2001:db8::1"],
  ["[2001:db8::1", undefined],
  ["[2001:db8::1]x", undefined],
  ["203.0.113.5:", undefined],
  ["_hidden", undefined],
  ['"', undefined],
])("the node %s has the address %s", (node, address) => {
  expect(nodeAddress(node)).toBe(address);
});

test("a set holds its addresses in every spelling", () => {
  const set = addressSet("10.0.0.0/8, ::ffff:192.0.2.0/120, 198.51.100.1, 2001:DB8::/32, ::ffff:cb00:7105");
  for (const inside of ["10.9.9.9", "::ffff:10.9.9.9", "192.0.2.77", "198.51.100.1", "2001:db8:1::2", "203.0.113.5"])
    expect([inside, set(inside)]).toEqual([inside, true]);
  for (const outside of ["11.0.0.1", "192.0.3.1", "198.51.100.2", "2001:db9::1", "", "x"])
    expect([outside, set(outside)]).toEqual([outside, false]);
  expect(addressSet(" , ")("10.0.0.1")).toBe(false);
});

test.each(["nonsense", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8/8", "2001:db8::/129", "::ffff:10.0.0.0/8", "10"])(
  "the entry %s is named",
  (entry) => {
    expect(() => addressSet(`192.0.2.1, ${entry}`)).toThrow(`"${entry}"`);
  },
);

test("limits are kept by IPv4 address and by IPv6 network", () => {
  expect(limitKey("203.0.113.5", 64)).toBe("203.0.113.5");
  const key = (address: string, bits: number) => limitKey(canonicalAddress(address) ?? "", bits);
  expect(key("2001:db8:1:2::1", 64)).toBe(key("2001:DB8:1:2:ffff::9", 64));
  expect(key("2001:db8:1:2::1", 64)).not.toBe(key("2001:db8:1:3::1", 64));
  expect(key("2001:db8:1:2::1", 56)).toBe(key("2001:db8:1:3::1", 56));
  expect(key("2001:db8:1:2::1", 128)).not.toBe(key("2001:db8:1:2::2", 128));
});
