/** An item of a `LinkedSet`. It is in one set at a time. */
export interface Linked {
  before?: Linked | undefined;
  after?: Linked | undefined;
  holder?: object | undefined;
}

/**
 * A set whose members change by the thousand: a doubly linked list through the objects themselves. A `Set` keeps more
 * memory alive: each time its table is built anew, the old table points to the new one, and holds all that was ever in
 * either until the next full collection (measured: docs/decisions/proxy-memory.md).
 */
export class LinkedSet<T extends Linked> implements Iterable<T> {
  #first: T | undefined;
  size = 0;

  /** Adds an item that is not in a set. */
  add(item: T): void {
    item.holder = this;
    item.after = this.#first;
    if (this.#first !== undefined) this.#first.before = item;
    this.#first = item;
    this.size += 1;
  }

  /** Removes an item if it is in the set. */
  delete(item: T): void {
    if (item.holder !== this) return;
    const { before, after } = item;
    if (before === undefined) this.#first = after as T | undefined;
    else before.after = after;
    if (after !== undefined) after.before = before;
    item.before = undefined;
    item.after = undefined;
    item.holder = undefined;
    this.size -= 1;
  }

  /** The newest item first. The current item may be removed. Costs less than the iterator, for what is done often. */
  forEach(visit: (item: T) => void): void {
    let item = this.#first;
    while (item !== undefined) {
      const next = item.after as T | undefined;
      visit(item);
      item = next;
    }
  }

  /** The newest item first. The current item may be removed during the iteration. */
  *[Symbol.iterator](): Iterator<T> {
    let item = this.#first;
    while (item !== undefined) {
      const next = item.after as T | undefined;
      yield item;
      item = next;
    }
  }
}
