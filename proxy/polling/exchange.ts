import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Linked } from "../listen/linked-set.ts";
import type { PendingBody } from "../listen/pending-bytes.ts";
import { Ejected, failedTry, type Outcome, TryTimeout } from "../routing/attempts.ts";
import type { Carried, Replica } from "../routing/replica-table.ts";
import type { Passed } from "../screen/gate.ts";

/** Property of a request that holds its current try. */
const exchangeOf = Symbol("exchange");
type Tracked = IncomingMessage & { [exchangeOf]?: Exchange };

/** A pending request, with all data of a try. */
export interface Forwarded {
  request: IncomingMessage;
  response: ServerResponse;
  /** Headers for the replica: names and values alternate. */
  headers: string[];
  passed: Passed;
  /** Undefined without a body. */
  body: PendingBody | undefined;
  /** The client closes its connection after the answer. */
  wantsClose: boolean;
  /** Lets the next request follow to this replica. Can be called again. */
  release(): void;
}

/** One try of a request at one replica. A class: functions of its own would be most of what a poll allocates. */
export class Exchange implements Carried {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  readonly forwarded: Forwarded;
  readonly replica: Replica;
  upstream: ClientRequest | undefined;
  /** Set once this try is over. Later events are dropped. */
  over = false;
  /** Time of the last byte in either direction, `performance.now()`. */
  movedAt = performance.now();
  /** Time-outs of this try, and of its place at the replica. */
  #timer: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  readonly #silenceMs: number;
  readonly #resolve: (outcome: Outcome) => void;

  /**
   * Becomes the request's current try.
   *
   * @param limits.headMs to the head of the answer; undefined: only `silenceMs`, for what can be held long
   * @param limits.silenceMs longest time without a byte
   */
  constructor(
    replica: Replica,
    forwarded: Forwarded,
    { headMs, silenceMs }: { headMs: number | undefined; silenceMs: number },
    resolve: (outcome: Outcome) => void,
  ) {
    this.replica = replica;
    this.forwarded = forwarded;
    this.#silenceMs = silenceMs;
    this.#resolve = resolve;
    if (headMs !== undefined) this.#timer = setTimeout(onTimeout, headMs, this);
    replica.inFlight.add(this);
    const request = forwarded.request as Tracked;
    if (request[exchangeOf] === undefined) forwarded.response.on("close", onClose);
    request[exchangeOf] = this;
  }

  /** The current try of a request. */
  static of(request: IncomingMessage): Exchange | undefined {
    return (request as Tracked)[exchangeOf];
  }

  get sid(): string | undefined {
    return this.forwarded.passed.sid;
  }
  /** Gives the place at the replica back after this time, ms, if there is no answer before. */
  releaseWithin(ms: number): void {
    this.#patience = setTimeout(this.forwarded.release, ms);
  }
  onHead(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    this.forwarded.release();
  }
  end(outcome: Outcome): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    this.replica.inFlight.delete(this);
    if (outcome.kind !== "answered") this.upstream?.destroy();
    else if (!this.forwarded.request.complete) endWithClient(this.forwarded.request, this.upstream);
    this.#resolve(outcome);
  }
  readonly fail = (error: unknown): void => {
    const { response, passed } = this.forwarded;
    this.end(response.closed ? { kind: "gone" } : failedTry(error, passed));
  };
  eject(): void {
    this.fail(new Ejected());
  }
  /** The proxy's sweep calls this. A timer for each poll would cost more than the poll. */
  sweep(nowMs: number): void {
    if (nowMs - this.movedAt > this.#silenceMs) this.fail(new TryTimeout());
  }
}

function onTimeout(exchange: Exchange): void {
  exchange.fail(new TryTimeout());
}

/** The answer is complete, or its connection is closed. */
function onClose(this: ServerResponse): void {
  Exchange.of(this.req)?.end({ kind: this.writableFinished ? "answered" : "gone" });
}

/**
 * An answer has come before the end of the body. The rest goes to the replica as long as the client sends it. Node tells
 * an answered request nothing of the end of its connection.
 */
function endWithClient(request: IncomingMessage, upstream: ClientRequest | undefined): void {
  const destroy = () => void upstream?.destroy();
  request.socket.once("close", destroy);
  request.once("end", () => request.socket.off("close", destroy));
}
