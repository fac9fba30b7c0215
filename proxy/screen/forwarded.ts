import { type AddressSet, canonicalAddress, nodeAddress } from "../../common/http/client-address.ts";
import type { DecidingHeaders } from "./request-head.ts";

/** Maximum number of hops that are read, since a trusted proxy may pass on a client's values. */
const hopLimit = 32;

/** The sender of a request, from its connection and from trusted proxies' headers. */
export interface Origination {
  /** The client's address, then the trusted proxies that it came through; canonical, `hopLimit` at most. */
  chain: readonly string[];
  /** The scheme that the client used; undefined: no trusted proxy says. */
  proto: string | undefined;
  /** The host that the client asked for; undefined: no trusted proxy says. */
  host: string | undefined;
}

/** One element of `Forwarded`. */
interface Element {
  for?: string;
  proto?: string;
  host?: string;
}

/**
 * Who the client is: the rightmost address that is not a trusted proxy, reading `X-Forwarded-For`, or `Forwarded`
 * (RFC 7239) where that is missing, from the right and only as far as trusted proxies vouch for it. If both are present
 * and name different last hops, one of them came from the client, and both are ignored.
 *
 * @param peer address at the other end of the connection
 */
export function origination(peer: string, headers: DecidingHeaders, trusted: AddressSet): Origination {
  const self = canonicalAddress(peer) ?? peer;
  if (!trusted(self)) return { chain: [self], proto: undefined, host: undefined };
  const forwardedFor = textOf(headers["x-forwarded-for"]);
  const forwarded = textOf(headers.forwarded);
  const elements = forwarded === undefined ? undefined : parseForwarded(forwarded);
  const nodes = forwardedFor === undefined ? undefined : lastWords(forwardedFor);
  const named = elements?.map((element) => element.for ?? "");
  if (nodes !== undefined && named !== undefined && lastOf(nodes) !== lastOf(named))
    return { chain: [self], proto: undefined, host: undefined };
  const chain = chainOf(self, nodes ?? named ?? [], trusted);
  // The element of the hop that saw the client.
  const seen = elements?.[elements.length - chain.length + 1];
  return {
    chain,
    proto: firstWord(headers["x-forwarded-proto"])?.toLowerCase() ?? seen?.proto?.toLowerCase(),
    host: firstWord(headers["x-forwarded-host"]) ?? seen?.host,
  };
}

function chainOf(self: string, nodes: readonly string[], trusted: AddressSet): string[] {
  const chain = [self];
  for (let index = nodes.length - 1; index >= 0; index--) {
    const address = nodeAddress(nodes[index] as string);
    if (address === undefined) break;
    chain.unshift(address);
    if (!trusted(address)) break;
  }
  return chain;
}

function lastOf(nodes: readonly string[]): string | undefined {
  return nodeAddress(nodes.at(-1) ?? "");
}

/** The last words of a comma-separated list, in order; empty ones dropped. */
function lastWords(text: string): string[] {
  const words: string[] = [];
  for (let end = text.length; end > 0 && words.length < hopLimit; ) {
    const comma = text.lastIndexOf(",", end - 1);
    const word = text.slice(comma + 1, end).trim();
    if (word !== "") words.unshift(word);
    end = comma;
  }
  return words;
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.join(", ");
}

function firstWord(value: string | readonly string[] | undefined): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const comma = text.indexOf(",");
  return (comma === -1 ? text : text.slice(0, comma)).trim() || undefined;
}

/**
 * Reads `Forwarded`: the last elements, in order. Undefined: it is malformed. Quoted strings may hold commas and
 * semicolons; each character is looked at once.
 */
function parseForwarded(text: string): Element[] | undefined {
  const elements: Element[] = [{}];
  let at = 0;
  for (;;) {
    at = skipBlanks(text, at);
    const nameEnd = endOfToken(text, at);
    const name = text.slice(at, nameEnd).toLowerCase();
    at = nameEnd;
    if (name !== "") {
      if (text[at] !== "=") return undefined;
      const valueEnd = text[at + 1] === '"' ? endOfQuoted(text, at + 1) : endOfToken(text, at + 1);
      if (valueEnd === undefined) return undefined;
      const value = text.slice(at + 1, valueEnd);
      if (name === "for" || name === "proto" || name === "host") {
        const element = elements.at(-1) as Element;
        element[name] = value.startsWith('"') ? value.slice(1, -1) : value;
      }
      at = valueEnd;
    }
    at = skipBlanks(text, at);
    if (at === text.length) return elements;
    if (text[at] === ",") {
      elements.push({});
      if (elements.length > hopLimit) elements.shift();
    } else if (text[at] !== ";") return undefined;
    at += 1;
  }
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return at;
}

/** All characters but separators: some proxies send addresses and hosts unquoted. */
function endOfToken(text: string, from: number): number {
  let at = from;
  while (at < text.length && !' \t,;="'.includes(text[at] as string)) at += 1;
  return at;
}

/** Position after the closing quote; undefined without one, or with an escape, which no address needs. */
function endOfQuoted(text: string, from: number): number | undefined {
  const end = text.indexOf('"', from + 1);
  return end === -1 || text.slice(from, end).includes("\\") ? undefined : end + 1;
}
