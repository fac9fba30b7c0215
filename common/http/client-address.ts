import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** Says whether an address is in the set. */
export type AddressSet = (address: string) => boolean;

/** Longest text parsed as an address: 45 characters (RFC 4291 with IPv4 at its end) and a zone. */
const longestAddress = 64;

/**
 * Normalises an address: lower case, shortened (RFC 5952), IPv4 where it is IPv4-mapped, no zone. Undefined if it is
 * not an address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (text.length > longestAddress) return undefined;
  if (isIPv4(text)) return text;
  const zoneAt = text.indexOf("%");
  const bare = zoneAt === -1 ? text : text.slice(0, zoneAt);
  // ipaddr.js takes `::a.b.c.d` for the IPv4 address, but leaves the same address in hex as it is.
  return isIPv6(bare) ? ipaddr.process(bare.replace(/^::(?=\d+\.)/, "::0:")).toString() : undefined;
}

/**
 * The address in a node of `X-Forwarded-For` or `Forwarded` (RFC 7239, 6): with or without quotes, brackets and port.
 * Undefined: no address, such as `unknown` or `_hidden`.
 */
export function nodeAddress(node: string): string | undefined {
  let text = node.trim();
  if (text.startsWith('"') && text.endsWith('"')) text = text.slice(1, -1);
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    const port = text.slice(end + 1);
    return port === "" || isPort(port) ? canonicalAddress(text.slice(1, end)) : undefined;
  }
  const colon = text.indexOf(":");
  if (colon !== -1 && colon === text.lastIndexOf(":") && isPort(text.slice(colon))) text = text.slice(0, colon);
  return canonicalAddress(text);
}

function isPort(text: string): boolean {
  return /^:\w{1,6}$/.test(text);
}

/**
 * A set of addresses and CIDRs, comma-separated; IPv4-mapped IPv6 counts as IPv4.
 *
 * @throws Error that shows the offending entry
 */
export function addressSet(text: string): AddressSet {
  const ranges = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")
    .map(rangeOf);
  if (ranges.length === 0) return () => false;
  return (text) => {
    const canonical = canonicalAddress(text);
    if (canonical === undefined) return false;
    const address = ipaddr.parse(canonical);
    return ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  };
}

function rangeOf(word: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const slash = word.indexOf("/");
  const canonical = canonicalAddress(slash === -1 ? word : word.slice(0, slash));
  const bits = slash === -1 ? 128 : Number(/^\/(\d{1,3})$/.exec(word.slice(slash))?.[1] ?? Number.NaN);
  if (canonical === undefined || Number.isNaN(bits)) throw new Error(`"${word}" is no address and no CIDR`);
  const address = ipaddr.parse(canonical);
  if (address.kind() === "ipv6" || slash === -1) {
    if (bits > 128) throw new Error(`"${word}" has more than 128 bits`);
    return [address, Math.min(bits, address.kind() === "ipv4" ? 32 : 128)];
  }
  // An IPv4 range may be written with the bits of its IPv6 mapping.
  const bitsOf4 = word.includes(":") ? bits - 96 : bits;
  if (bitsOf4 < 0 || bitsOf4 > 32) throw new Error(`"${word}" does not fit an IPv4 address`);
  return [address, bitsOf4];
}

/**
 * The key of a client's limits: an IPv4 address, or the leading `ipv6Prefix` bits of an IPv6 address. A home or a phone
 * gets all addresses of a /64. An IPv6 address that carries its host's IPv4 address counts as that one.
 *
 * @param address canonical
 */
export function limitKey(address: string, ipv6Prefix: number): string {
  if (!address.includes(":")) return address;
  const { parts } = ipaddr.IPv6.parse(address);
  const carried = carriedIPv4(parts);
  if (carried !== undefined) return carried;
  let key = "";
  for (let bits = ipv6Prefix, index = 0; bits > 0; bits -= 16, index++) {
    const part = parts[index] as number;
    key += `${(bits >= 16 ? part : part & (0xffff << (16 - bits))).toString(16)}:`;
  }
  return `${key}/${ipv6Prefix}`;
}

/**
 * The IPv4 address of the host in an IPv6 address of a transition technology. With 6to4 (RFC 3056) and Teredo (RFC 4380,
 * which inverts it) one IPv4 address has many networks; behind a translator (64:ff9b::/96, RFC 6052) all have one.
 */
function carriedIPv4(parts: readonly number[]): string | undefined {
  const [a, b, c = 0, , , , g = 0, h = 0] = parts;
  if (a === 0x2002) return dotted(b as number, c);
  if (a === 0x2001 && b === 0) return dotted(g ^ 0xffff, h ^ 0xffff);
  if (a === 0x64 && b === 0xff9b && parts.slice(2, 6).every((part) => part === 0)) return dotted(g, h);
  return undefined;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
