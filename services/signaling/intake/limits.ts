import type { IncomingMessage } from "node:http";
import type { Config } from "../config.ts";
import type { ClientBudget, ClientBudgets } from "./client-budgets.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A message costs a token, and one more for each of these that it has beyond the first, bytes. */
const bytesAToken = 8_192;
/** Longer texts are looked at: 44 KB of names of their own take 5 ms to read, 60 KB of one string 200 µs. */
const plainLength = 512;
/** The same for what is beyond the largest event: nothing of it is accepted, and every copy of it is large. */
const bytesATokenBeyond = 1_024;
/** Elements of JSON that are read for a token. */
const elementsAToken = 32;

/** Tokens that it costs to read a message: for its bytes, and for all that JSON makes of it. */
export function costOf(message: string | Buffer, maxEventBytes: number): number {
  const beyond = Math.max(0, message.length - maxEventBytes);
  const bytes = 1 + Math.floor((message.length - beyond) / bytesAToken) + Math.floor(beyond / bytesATokenBeyond);
  if (typeof message !== "string" || message.length <= plainLength) return bytes;
  const elements = occurrences(message, ",") + occurrences(message, "[") + occurrences(message, "{");
  return bytes + Math.floor(elements / elementsAToken);
}

function occurrences(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}

/** Receivers to whom a small event is delivered for a token; the cost of reading it covers as many. */
const receiversAToken = 4;
/** An event of this size, bytes, costs twice as much to deliver as a small one. It is written and read three times. */
const bytesADelivery = 2_048;

/** Tokens that it costs to deliver an event, beyond those that it cost to read it. */
export function deliveryCost(receivers: number, bytes: number): number {
  if (receivers <= receiversAToken) return 0;
  return Math.floor(((receivers - receiversAToken) * (1 + Math.floor(bytes / bytesADelivery))) / receiversAToken);
}

/** The rate limits of one connection, over all namespaces and rooms. */
export interface Limits {
  /** Takes the tokens of a message, an attachment or deliveries. Returns false if there are too few. */
  take(cost: number): boolean;
  /** Takes the token of a change of membership, which is announced to all replicas. */
  takeChange(): boolean;
  /** Says which limit the last refused tokens were over. */
  refusal(): string;
  /** Connections that share that limit. */
  sharers(): number;
  /** The connection is closed. */
  close(): void;
}

/** Largest number of sharers that counts. A connection that pauses for longer would miss its heartbeat. */
const mostSharers = 10;

class Buckets implements Limits {
  readonly #events: TokenBucket;
  readonly #changes: TokenBucket;
  readonly #client: ClientBudget;
  readonly #rules: LimitRules;
  #isClosed = false;
  #exceeded: "events" | "joins" = "events";
  #isOfClient = false;

  constructor(rules: LimitRules, client: ClientBudget) {
    const { config } = rules;
    const now = performance.now();
    this.#events = new TokenBucket(config.EVENT_BURST, config.EVENTS_PER_SECOND, now);
    this.#changes = new TokenBucket(config.JOIN_BURST, config.JOINS_PER_SECOND, now);
    this.#client = client;
    this.#rules = rules;
  }
  take(cost: number): boolean {
    const now = performance.now();
    if (!this.#events.take(now, cost)) return this.#refuse("events", false);
    return this.#client.events.take(now, cost) || this.#refuse("events", true);
  }
  takeChange(): boolean {
    const now = performance.now();
    if (!this.#changes.take(now)) return this.#refuse("joins", false);
    return this.#client.changes.take(now) || this.#refuse("joins", true);
  }
  #refuse(exceeded: "events" | "joins", isOfClient: boolean): false {
    this.#exceeded = exceeded;
    this.#isOfClient = isOfClient;
    if (isOfClient) this.#rules.onClientLimit(exceeded);
    return false;
  }
  refusal(): string {
    const { config } = this.#rules;
    const isEvents = this.#exceeded === "events";
    if (!this.#isOfClient)
      return isEvents
        ? `over ${config.EVENTS_PER_SECOND} events a second`
        : `over ${config.JOINS_PER_SECOND} joins and leaves a second`;
    return isEvents
      ? `over ${config.CLIENT_EVENTS_PER_SECOND} events a second from all connections of your address`
      : `over ${config.CLIENT_JOINS_PER_SECOND} joins and leaves a second from all connections of your address`;
  }
  sharers(): number {
    return this.#isOfClient ? Math.min(this.#client.connections, mostSharers) : 1;
  }
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.connections -= 1;
  }
}

/** Shared by the limits of all connections. */
export interface LimitRules {
  config: Config;
  clients: ClientBudgets;
  /** Called when a limit is exceeded that a client's connections share. */
  onClientLimit: (limit: "events" | "joins") => void;
}

/** The limits of a new connection, which `request` opened. */
export const createLimits = (rules: LimitRules, request: IncomingMessage): Limits =>
  new Buckets(rules, rules.clients.open(request));
