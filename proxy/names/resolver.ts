import { lookup, Resolver } from "node:dns/promises";

/** The addresses of a name, IPv4 first. Rejects with the system's error if there are none. */
export type Resolve = (name: string) => Promise<string[]>;

/** c-ares' time-out for one answer, ms, and its number of tries. */
const asking = { timeout: 1_000, tries: 2 };

/**
 * Resolves names with the system's resolver (hosts file, search domains), or with only these DNS servers.
 *
 * @param servers addresses, each with an optional `:port`; empty: the system's
 */
export function createResolver(servers: readonly string[]): Resolve {
  if (servers.length === 0)
    return async (name) => (await lookup(name, { all: true, order: "ipv4first" })).map(({ address }) => address);
  const resolver = new Resolver(asking);
  resolver.setServers(servers);
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses;
    throw (answers[0] as PromiseRejectedResult).reason;
  };
}

/**
 * Checks a list of DNS servers.
 *
 * @throws Error that shows the offending entry
 */
export function parseServers(text: string): string[] {
  const servers = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  for (const server of servers) {
    try {
      new Resolver().setServers([server]);
    } catch {
      throw new Error(`"${server}" is no DNS server: an address, or address:port ([address]:port for IPv6)`);
    }
  }
  return servers;
}
