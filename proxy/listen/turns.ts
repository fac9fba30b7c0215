/** Connections that go on in one turn of the event loop. */
const perTurn = 16;

/**
 * Connections that have more to parse wait here for a turn of the event loop. A few go on in each turn, in order, and
 * the bytes of all other connections come between.
 */
export class Turns {
  #queue: (() => void)[] = [];

  /** Calls `go` in a later turn. */
  wait(go: () => void): void {
    this.#queue.push(go);
    if (this.#queue.length === 1) setImmediate(this.#next);
  }
  readonly #next = (): void => {
    const these = this.#queue.slice(0, perTurn);
    for (const go of these) go();
    this.#queue = this.#queue.slice(these.length);
    if (this.#queue.length > 0) setImmediate(this.#next);
  };
}
