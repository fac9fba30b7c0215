import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** A refusal of the admin listener: an HTTP status and one line that describes an acceptable request. */
export class AdminError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "AdminError";
    this.status = status;
  }
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
// Prefix of an IPv4 address on a dual-stack listener.
loopback.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** True for an address of the loopback interface; false for a name. */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

/**
 * The host of a `Host` header in lower case, without port and brackets; undefined if it is malformed (RFC 9110 7.2).
 */
export function hostOf(header: string | undefined): string | undefined {
  const [, bracketed, name] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(header ?? "") ?? [];
  return (bracketed ?? name)?.toLowerCase();
}

/**
 * Checks that a request's `Host` names this listener: `localhost`, a loopback address, the local address of the
 * connection, or one of `names`. A page whose name was rebound to this address (DNS rebinding) sends its own name and
 * is refused.
 *
 * @throws AdminError 400 for no or several `Host` headers, 421 (RFC 9110 15.5.20) for an unknown one
 */
export function createHostCheck(names: readonly string[]): (request: IncomingMessage) => void {
  const known = new Set(["localhost", ...names.map((name) => name.toLowerCase())]);
  return (request) => {
    const headers = request.headersDistinct["host"] ?? [];
    if (headers.length > 1) throw new AdminError(400, "more than one Host header");
    const host = hostOf(headers[0]);
    if (host !== undefined && (known.has(host) || isLoopback(host))) return;
    // A page cannot rebind an address.
    if (host !== undefined && isIP(host) !== 0 && sameAddress(host, request.socket.localAddress)) return;
    throw new AdminError(
      421,
      `unknown Host ${JSON.stringify(headers[0] ?? "")}: ${[...known].join(", ")}, or loopback`,
    );
  };
}

function sameAddress(host: string, local = ""): boolean {
  return host === local.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
}

/**
 * Checks that a request may make a change: it comes from no web page (no `Origin`), is JSON, and carries the bearer
 * token. If no token is configured, the listener must be on loopback.
 *
 * @param listening the bound address
 * @throws AdminError 401, 403 or 415
 */
export function createMutationCheck(
  token: string | undefined,
  listening: () => string,
): (request: IncomingMessage) => void {
  const wanted = token === undefined ? undefined : digest(token);
  return ({ headers }) => {
    if (headers.origin !== undefined) throw new AdminError(403, "not for web pages: an Origin header was sent");
    if (wanted !== undefined) {
      const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1] ?? "";
      // Digests have one length, so the duration reveals nothing about the token.
      if (!timingSafeEqual(digest(given), wanted))
        throw new AdminError(
          401,
          "send Authorization: Bearer with the ADMIN_TOKEN of this stack (.secrets/ADMIN_TOKEN)",
        );
    } else if (!isLoopback(listening()))
      throw new AdminError(403, `no change without a token at ${listening()}: set ADMIN_TOKEN or ADMIN_TOKEN_FILE`);
    if (!/^application\/json\s*(;|$)/i.test(headers["content-type"] ?? ""))
      throw new AdminError(415, "send content-type: application/json");
  };
}

const digest = (text: string) => createHash("sha256").update(text).digest();
