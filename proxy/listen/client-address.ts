import ipaddr from "ipaddr.js";

/** Says whether an address is in the set. */
export type AddressSet = (address: string) => boolean;

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
    .map((word) => {
      if (!ipaddr.isValid(word) && !ipaddr.isValidCIDR(word)) throw new Error(`"${word}" is no address and no CIDR`);
      if (!word.includes("/")) {
        const address = ipaddr.process(word);
        return [address, address.kind() === "ipv4" ? 32 : 128] as const;
      }
      return ipaddr.parseCIDR(word);
    });
  if (ranges.length === 0) return () => false;
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  };
}

/** The address without the IPv6 mapping that a dual-stack listener puts before IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

/**
 * Who the client is: the rightmost address that is not a trusted proxy, reading `X-Forwarded-For` from the right and
 * only as far as trusted proxies vouch for it. `chain` is what may be told on: the client, then the trusted hops.
 *
 * @param peer address at the other end of the connection
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, trusted: AddressSet): readonly string[] {
  const chain = [plainAddress(peer)];
  if (forwardedFor === undefined || !trusted(peer)) return chain;
  for (const word of forwardedFor.split(",").reverse()) {
    const address = word.trim();
    if (!ipaddr.isValid(address)) break;
    chain.unshift(plainAddress(address));
    if (!trusted(address)) break;
  }
  return chain;
}
