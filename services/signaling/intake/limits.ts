import type { Config } from "../config.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A message costs a token, and one more for each of these that it has beyond the first, bytes. */
const bytesAToken = 8_192;
/** Longer texts are looked at: 44 KB of names of their own take 5 ms to read, 60 KB of one string 200 µs. */
const plainLength = 512;
/** Elements of JSON that are read for a token. */
const elementsAToken = 32;

/** Tokens that it costs to read a message: for its bytes, and for all that JSON makes of it. */
export function costOf(message: string | Buffer): number {
  const bytes = 1 + Math.floor(message.length / bytesAToken);
  if (typeof message !== "string" || message.length <= plainLength) return bytes;
  const elements = occurrences(message, ",") + occurrences(message, "[") + occurrences(message, "{");
  return bytes + Math.floor(elements / elementsAToken);
}

function occurrences(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}

/** The rate limits of one connection, over all namespaces and rooms. */
export interface Limits {
  /** Takes the tokens of a message or an attachment. Returns false if there are too few. */
  take(cost: number): boolean;
  /** Takes the token of a change of membership, which is announced to all replicas. */
  takeChange(): boolean;
}

class Buckets implements Limits {
  readonly #events: TokenBucket;
  readonly #changes: TokenBucket;

  constructor(config: Config) {
    const now = performance.now();
    this.#events = new TokenBucket(config.EVENT_BURST, config.EVENTS_PER_SECOND, now);
    this.#changes = new TokenBucket(config.JOIN_BURST, config.JOINS_PER_SECOND, now);
  }
  take(cost: number): boolean {
    return this.#events.take(performance.now(), cost);
  }
  takeChange(): boolean {
    return this.#changes.take(performance.now());
  }
}

/** The limits of a new connection. */
export const createLimits = (config: Config): Limits => new Buckets(config);
