import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Addresses of this host, with their ports, of one proxy behind the balancer. */
export interface BalancedProxy {
  id: string;
  /** Its listener for the PROXY protocol. */
  address: string;
  /** Its admin listener, which answers `/readyz`. */
  ready: string;
}

/**
 * deploy/proxies/haproxy.cfg for this host: with these addresses to listen on and these proxies. Addresses need no
 * resolver.
 *
 * @param listen the public addresses, and the one that the board asks
 *
 * @throws Error if the file does not have one of the proxies, or a part that is replaced here
 */
export function balancerConfig(
  root: string,
  listen: { public: readonly string[]; admin: string },
  proxies: readonly BalancedProxy[],
): string {
  const file = "deploy/proxies/haproxy.cfg";
  let text = readFileSync(join(root, file), "utf8");
  const replace = (what: string, pattern: RegExp, by: string) => {
    if (!pattern.test(text)) throw new Error(`${file} has no ${what}`);
    text = text.replace(pattern, () => by);
  };
  replace("resolvers", /^resolvers names\n(?: {2}.*\n)*/m, "");
  replace("default-server with resolvers", /^ {2}default-server resolvers names\n/m, "");
  const bindsOf = (addresses: readonly string[]) => addresses.map((address) => `  bind ${address}\n`).join("");
  replace("bind of the public frontend", /(?:^ {2}bind :\d+\n)+/m, bindsOf(listen.public));
  replace("bind of the admin frontend", /(?:^ {2}bind [\w.]+:8404\n)+/m, bindsOf([listen.admin]));
  for (const { id, address, ready } of proxies)
    for (const [name, here] of [
      [`${id}.balanced:8083`, address],
      [`${id}.admin:9100`, ready],
    ] as const) {
      if (!text.includes(` ${name}`)) throw new Error(`${file} has no ${name}`);
      text = text.replaceAll(` ${name}`, ` ${here}`);
    }
  return text;
}
