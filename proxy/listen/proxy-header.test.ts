import fc from "fast-check";
import { expect, test } from "vitest";
import { readProxyHeader } from "./proxy-header.ts";

/** A version 2 header: version and command, family, what follows. */
const v2 = (versionAndCommand: number, family: number, ...blocks: readonly (Buffer | number[])[]) => {
  const block = Buffer.concat(blocks.map((part) => Buffer.from(part)));
  const fixed = Buffer.from("0d0a0d0a000d0a515549540a00000000", "hex");
  fixed.set([versionAndCommand, family], 12);
  fixed.writeUInt16BE(block.length, 14);
  return Buffer.concat([fixed, block]);
};
const tcp4 = [203, 0, 113, 9, 192, 0, 2, 1, 0xc0, 0x01, 0x01, 0xbb];
const tcp6 = Buffer.from(`${"20010db8000000000000000000000009".padEnd(64, "0")}c00101bb`, "hex");
const source4 = { address: "203.0.113.9", port: 49_153 };
const headers: readonly [string, Buffer, { address: string; port: number } | undefined][] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 203.0.113.9 192.0.2.1 49153 443\r\n"), source4],
  [
    "v1 TCP6",
    Buffer.from("PROXY TCP6 2001:db8::9 2001:db8::1 49153 443\r\n"),
    { address: "2001:db8::9", port: 49_153 },
  ],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), undefined],
  ["v1 UNKNOWN with addresses", Buffer.from("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), undefined],
  ["v2 TCP4", v2(0x21, 0x11, tcp4), source4],
  ["v2 TCP6", v2(0x21, 0x21, tcp6), { address: "2001:db8:0:0:0:0:0:9", port: 49_153 }],
  ["v2 UNIX", v2(0x21, 0x31, Buffer.alloc(216, 0x2f)), undefined],
  ["v2 UNSPEC", v2(0x21, 0x00), undefined],
  ["v2 LOCAL", v2(0x20, 0x00), undefined],
  ["v2 LOCAL with addresses", v2(0x20, 0x11, tcp4), undefined],
  ["v2 with TLVs", v2(0x21, 0x11, tcp4, [0x01, 0, 2, 0x68, 0x32], [0x04, 0, 0], [0xea, 0, 3, 1, 2, 3]), source4],
];

test.each(headers)("%s", (_name, header, source) => {
  const size = header.length;
  expect(readProxyHeader(header)).toEqual({ size, source, encrypted: false });
  expect(readProxyHeader(Buffer.concat([header, Buffer.from("GET / HTTP/1.1\r\n")]))).toMatchObject({ size, source });
  for (let length = 0; length < size; length++) expect(readProxyHeader(header.subarray(0, length))).toBe("partial");
});

test.each([
  [true, [0x20, 0, 5, 0x01, 0, 0, 0, 0]],
  [false, [0x20, 0, 5, 0x06, 0, 0, 0, 0]],
])("PP2_TYPE_SSL: the client came by TLS: %s", (encrypted, tlv) => {
  expect(readProxyHeader(v2(0x21, 0x11, tcp4, tlv))).toMatchObject({ encrypted, source: source4 });
});

const v1 = (text: string) => Buffer.from(text, "latin1");
test.each([
  ["a request", v1("GET / HTTP/1.1\r\n")],
  ["lower case", v1("proxy TCP4 203.0.113.9 192.0.2.1 49153 443\r\n")],
  ["a line feed alone", v1("PROXY TCP4 203.0.113.9 192.0.2.1 49153 443\n")],
  ["a line feed in an UNKNOWN line", v1("PROXY UNKNOWN \nffff::1 ffff::2 1 2\r\n")],
  ["more than 107 bytes", v1(`PROXY UNKNOWN ${"a".repeat(120)}`)],
  ["107 bytes and the end behind them", v1(`PROXY UNKNOWN ${"a".repeat(93)}\r\n`)],
  ["an IPv6 address as TCP4", v1("PROXY TCP4 ::1 192.0.2.1 1 2\r\n")],
  ["an IPv4 address as TCP6", v1("PROXY TCP6 203.0.113.9 ::1 1 2\r\n")],
  ["an address with a zone", v1("PROXY TCP6 fe80::1%lo ::1 1 2\r\n")],
  ["no address", v1("PROXY TCP4 localhost 192.0.2.1 1 2\r\n")],
  ["a port above 65535", v1("PROXY TCP4 203.0.113.9 192.0.2.1 65536 443\r\n")],
  ["a port with a leading zero", v1("PROXY TCP4 203.0.113.9 192.0.2.1 0443 443\r\n")],
  ["two blanks", v1("PROXY TCP4  203.0.113.9 192.0.2.1 1 443\r\n")],
  ["a port less", v1("PROXY TCP4 203.0.113.9 192.0.2.1 1\r\n")],
  ["another protocol", v1("PROXY UDP4 203.0.113.9 192.0.2.1 1 2\r\n")],
  ["version 1 in the form of 2", v2(0x11, 0x11, tcp4)],
  ["version 3", v2(0x31, 0x11, tcp4)],
  ["an unknown command", v2(0x22, 0x11, tcp4)],
  ["datagrams", v2(0x21, 0x12, tcp4)],
  ["an unknown family", v2(0x21, 0x41, tcp4)],
  ["an address that is cut", v2(0x21, 0x11, tcp4.slice(0, 11))],
  ["an IPv6 family with an IPv4 address", v2(0x21, 0x21, tcp4)],
  ["a TLV that is longer than the header", v2(0x21, 0x11, tcp4, [0x01, 0, 9, 0x68])],
  ["half a TLV", v2(0x21, 0x11, tcp4, [0x01, 0])],
  ["64 KiB of TLVs", v2(0x21, 0x11, tcp4, Buffer.alloc(60_000))],
])("%s is malformed", (_name, header) => {
  expect(readProxyHeader(header)).toBe("malformed");
});

test("any bytes are read or refused, and more of them never undo a refusal", () => {
  const mutated = fc
    .tuple(fc.constantFrom(...headers.map(([, header]) => header)), fc.nat(), fc.nat(255))
    .map(([header, at, byte]) => {
      const copy = Buffer.from(header);
      copy[at % copy.length] = byte;
      return copy;
    });
  const some = fc.oneof(
    mutated,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(some, fc.nat(300), (bytes, cut) => {
      const early = readProxyHeader(bytes.subarray(0, cut));
      const whole = readProxyHeader(bytes);
      if (early !== "partial") expect(whole).toEqual(early);
      if (typeof whole === "object") expect(whole.size).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 20_000 },
  );
});
