import fc from "fast-check";
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

/** The same address in another spelling: `::` for the zeros from `at` on, its end as IPv4, case, leading zeros. */
function spell(
  groups: readonly number[],
  { at, dotted, wide }: { at: number; dotted: boolean; wide: boolean },
): string {
  const hex = (group: number) => (wide ? group.toString(16).toUpperCase().padStart(4, "0") : group.toString(16));
  const last = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]);
  const words = dotted ? [...groups.slice(0, 6).map(hex), last.join(".")] : groups.map(hex);
  let end = at;
  while (end < words.length && /^0+$/.test(words[end] as string)) end += 1;
  return end === at ? words.join(":") : `${words.slice(0, at).join(":")}::${words.slice(end).join(":")}`;
}

test("an address is the same in every spelling, and as WHATWG URLs write it", () => {
  const group = fc.constantFrom(0, 0, 0, 0, 1, 0xffff, 0xcb00, 0x7105);
  const form = fc.record({ at: fc.nat(7), dotted: fc.boolean(), wide: fc.boolean() });
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), form, (groups, how) => {
      const url = new URL(`http://[${groups.map((one) => one.toString(16)).join(":")}]/`).hostname.slice(1, -1);
      const isMapped = groups.slice(0, 5).every((one) => one === 0) && groups[5] === 0xffff;
      const address = isMapped
        ? groups
            .slice(6)
            .flatMap((one) => [one >> 8, one & 0xff])
            .join(".")
        : url;
      expect(canonicalAddress(spell(groups, how))).toBe(address);
    }),
    { numRuns: 3_000 },
  );
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

test.each([
  ["6to4", "2002:cb00:7105::1", "2002:cb00:7105:ffff::1"],
  ["Teredo", "2001:0:c633:6401:0:63bf:34ff:8efa", "2001:0:c633:6402:8000:1:34ff:8efa"],
  ["NAT64", "64:ff9b::203.0.113.5", "64:ff9b::cb00:7105"],
])("an address of %s counts as the IPv4 address that it carries", (_, ...addresses) => {
  for (const address of addresses)
    for (const bits of [48, 64, 128]) expect(limitKey(canonicalAddress(address) ?? "", bits)).toBe("203.0.113.5");
});

test("addresses that carry no IPv4 address of their host count by their network", () => {
  for (const address of ["64:ff9b:1::cb00:7105", "64:ff9b::1:cb00:7105", "2001:1::cb00:7105", "2003:cb00:7105::1"])
    expect(limitKey(canonicalAddress(address) ?? "", 64)).toMatch(/\/64$/);
});
