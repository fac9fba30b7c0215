/** What the connections that wait for a turn may have handled in it, in tokens of the event bucket. */
const tokensATurn = 128;

/** Something that waits for a turn of the event loop. */
export interface Waiting {
  onTurn(): void;
}

/**
 * Shares the turns of the event loop (docs/decisions/turns-of-the-event-loop.md). One read of a socket can hold a
 * thousand messages. A replica handles a few of them in a turn, and the messages of the other connections come between.
 */
export class Turns {
  #turn = 0;
  #spent = 0;
  #isScheduled = false;
  #queue: Waiting[] = [];

  /** Tokens were spent on a message. Returns the number of this turn. */
  spend(tokens: number): number {
    this.#spent += tokens;
    this.#schedule();
    return this.#turn;
  }
  /** Calls `onTurn` in a later turn, behind those that wait already. */
  wait(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#begin);
  }
  readonly #begin = (): void => {
    this.#isScheduled = false;
    this.#turn += 1;
    this.#spent = 0;
    const queue = this.#queue;
    this.#queue = [];
    let done = 0;
    while (done < queue.length && this.#spent < tokensATurn) {
      const waiting = queue[done] as Waiting;
      done += 1;
      waiting.onTurn();
    }
    if (done < queue.length) this.#queue = [...queue.slice(done), ...this.#queue];
    if (this.#queue.length > 0) this.#schedule();
  };
}
