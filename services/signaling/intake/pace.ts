import type { Holder, Ledger } from "./ledger.ts";
import { deliveryCost, type Limits } from "./limits.ts";
import type { Turns, Waiting } from "./turns.ts";

/** Refusals that are answered between two pauses. */
const answersBetweenPauses = 100;
/** Cost of a refusal with an answer, and of one without. */
const answered = 10;
const silent = 1;
/** Minimum duration of a pause, ms. */
const shortestPauseMs = 100;
/** What one connection may have handled in a turn of the event loop, in tokens. */
const tokensATurn = 16;
/** What a change of membership takes of a turn, in tokens: every replica is told, and answers. */
const tokensAChange = 16;
/** What a message that waits costs beside its own bytes, about. */
const overheadBytes = 64;

/** The connection of a pace. */
export interface PacedReader<M> {
  handle(message: M): void;
  /** Stops and resumes reading from the transport. */
  pause(): void;
  resume(): void;
  /** Called when too much is waiting, most of it here. */
  evict(): void;
  /** Ends the transport without reading what it still holds. */
  drop(): void;
}

/**
 * The pace at which one connection is read. A client that goes on after its events are refused is not disconnected: it
 * is read more slowly. After {@link answersBetweenPauses} refusals reading pauses until the bucket has refilled a
 * little; what was read already waits meanwhile. So does what comes behind {@link tokensATurn} in one turn of the event
 * loop.
 *
 * A class: each connection has one, and functions of its own would be most of its memory.
 */
export class Pace<M extends { length: number } = string | Buffer> implements Holder, Waiting {
  readonly #reader: PacedReader<M>;
  readonly #unfinished: Ledger;
  readonly #pauseMs: number;
  readonly #turns: Turns;
  readonly #limits: Limits;
  #turn = 0;
  #spent = 0;
  #allowance = answersBetweenPauses * answered;
  #held = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  /** No arrays of its own while nothing waits, which is nearly always. */
  #waiting: M[] | undefined;
  #bytes = 0;
  #listeners: (() => void)[] | undefined;

  /**
   * @param unfinished what waits is on this ledger
   * @param options.perSecond refill of the bucket: a pause is long enough for one token at least
   * @param options.turns of all connections
   */
  constructor(
    reader: PacedReader<M>,
    unfinished: Ledger,
    { perSecond, turns, limits }: { perSecond: number; turns: Turns; limits: Limits },
  ) {
    this.#limits = limits;
    this.#reader = reader;
    this.#unfinished = unfinished;
    this.#turns = turns;
    this.#pauseMs = Math.max(shortestPauseMs, 1_000 / perSecond);
  }

  #release(): void {
    this.#held = false;
    this.#timer = undefined;
    const waiting = this.#waiting ?? [];
    let done = 0;
    while (!this.#held && !this.#closed && done < waiting.length) {
      const message = waiting[done] as M;
      done += 1;
      this.#bytes -= message.length + overheadBytes;
      this.#reader.handle(message);
    }
    if (this.#closed) return;
    this.#waiting = done < waiting.length ? waiting.slice(done) : undefined;
    this.#unfinished.enter(this, this.#bytes);
    if (!this.#held) this.#goOn();
  }

  #goOn(): void {
    this.#reader.resume();
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const go of listeners) go();
  }

  /** Handles a message in order: now, or after the messages before it. */
  offer(message: M): void {
    if (this.#closed) return;
    if (!this.#held && this.#waiting === undefined) {
      this.#reader.handle(message);
      return;
    }
    this.#waiting ??= [];
    this.#waiting.push(message);
    this.#bytes += message.length + overheadBytes;
    this.#unfinished.enter(this, this.#bytes);
  }
  /** A message is being handled; `cost` is what it takes to read it, in tokens. */
  spent(cost: number): void {
    const turn = this.#turns.spend(cost);
    this.#spent = turn === this.#turn ? this.#spent + cost : cost;
    this.#turn = turn;
    if (this.#spent < tokensATurn || this.#held || this.#closed) return;
    this.#held = true;
    this.#reader.pause();
    this.#turns.wait(this);
  }
  onTurn(): void {
    // Refusals may have begun a pause since.
    if (this.#timer === undefined && !this.#closed) this.#release();
  }
  /** Takes what a join or leave costs that these members of the room are told. Returns false if there is too little. */
  takeChange(members: number): boolean {
    if (!this.#limits.takeChange() || !this.takeDeliveries(members, 0)) return false;
    this.spent(tokensAChange);
    return true;
  }
  /** Takes the tokens for the delivery of an event to its receivers. Returns false if there are too few. */
  takeDeliveries(receivers: number, bytes: number): boolean {
    const cost = deliveryCost(receivers, bytes);
    if (cost === 0) return true;
    if (!this.#limits.take(cost)) {
      this.refused("answered");
      return false;
    }
    this.spent(cost);
    return true;
  }
  /** A message was refused because there are too many; `cost` is what it took to read it, in tokens. */
  refused(said: "answered" | "silent", cost = 1): void {
    // What a large message takes to read weighs as much as an answer.
    const weight = (said === "answered" ? answered : silent) + (cost - 1) * answered;
    // A client gets no more refusals from ten connections than from one.
    this.#allowance -= weight * this.#limits.sharers();
    if (this.#allowance > 0 || this.#timer !== undefined || this.#closed) return;
    const pauses = 1 + Math.floor(-this.#allowance / (answersBetweenPauses * answered));
    this.#allowance = answersBetweenPauses * answered;
    this.#held = true;
    this.#reader.pause();
    this.#timer = setTimeout(() => this.#release(), pauses * this.#pauseMs);
  }
  /** The next message waits for a tick, so that the effects of the last message come first. */
  holdForTick(): void {
    if (this.#held) return;
    this.#held = true;
    process.nextTick(() => this.#release());
  }
  /** Resolves when messages are handled at once; undefined if they are already. */
  ready(): Promise<void> | undefined {
    if (this.#closed || (!this.#held && this.#waiting === undefined)) return undefined;
    this.#listeners ??= [];
    const listeners = this.#listeners;
    return new Promise((resolve) => listeners.push(resolve));
  }
  /**
   * The connection is closed: drops all waiting messages. During a pause the transport may hold megabytes that the client
   * sent too fast. To read them to the end would take the time of the others.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== undefined) this.#reader.drop();
    clearTimeout(this.#timer);
    this.#waiting = undefined;
    this.#unfinished.enter(this, 0);
    this.#goOn();
  }
  /** As a holder on the ledger. */
  evict(): void {
    this.#reader.evict();
  }
}
