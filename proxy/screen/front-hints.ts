import { type AddressSet, canonicalAddress } from "../../common/http/client-address.ts";
import type { Log } from "../../common/log.ts";
import type { RequestHead } from "./request-head.ts";

/** Maximum number of addresses with a warning, since clients must not fill the log. */
const limit = 10;

/**
 * Warns, once an address, when a session is opened through a proxy in front whose `X-Forwarded-For` is not believed, or
 * that is trusted and sends none. In both cases all its clients count as one address.
 */
export function createFrontHints(trusted: AddressSet, log: Log) {
  const warned = new Set<string>();
  return ({ socket, headers }: RequestHead): void => {
    if (warned.size >= limit) return;
    const peer = socket.remoteAddress ?? "";
    const address = canonicalAddress(peer) ?? peer;
    const forwards = headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined;
    if (forwards === trusted(address) || warned.has(address)) return;
    warned.add(address);
    const lost = "all clients behind it count as one address (docs/proxies-in-front.md)";
    if (forwards)
      log.warn({ peer: address }, `X-Forwarded-For is ignored: the sender is not in TRUSTED_PROXIES; ${lost}`);
    else log.warn({ peer: address }, `in TRUSTED_PROXIES, but sends no X-Forwarded-For; ${lost}`);
  };
}
