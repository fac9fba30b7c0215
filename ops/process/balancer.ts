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
 * resolver, and the container's health check is left out.
 *
 * @throws Error if the file does not have one of the proxies
 */
export function balancerConfig(root: string, binds: readonly string[], proxies: readonly BalancedProxy[]): string {
  let text = readFileSync(join(root, "deploy", "proxies", "haproxy.cfg"), "utf8")
    .replace(/^resolvers names\n(?: {2}.*\n)*/m, "")
    .replace(/^ {2}default-server resolvers names\n/m, "")
    .replace(/^# The container's health check\.\nfrontend health\n(?: {2}.*\n)*/m, "")
    .replace(/(?:^ {2}bind :\d+\n)+/m, binds.map((bind) => `  bind ${bind}\n`).join(""));
  for (const { id, address, ready } of proxies)
    for (const [name, here] of [
      [`${id}.balanced:8083`, address],
      [`${id}.admin:9100`, ready],
    ] as const) {
      if (!text.includes(` ${name}`)) throw new Error(`deploy/proxies/haproxy.cfg has no ${name}`);
      text = text.replaceAll(` ${name}`, ` ${here}`);
    }
  return text;
}
