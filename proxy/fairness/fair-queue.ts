/** A queue in which clients take turns. One client's entries are first in, first out. */
export class FairQueue<T> {
  readonly #clients = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }
  push(client: string, entry: T): void {
    this.#size += 1;
    const entries = this.#clients.get(client);
    if (entries === undefined) this.#clients.set(client, [entry]);
    else entries.push(entry);
  }
  /** The next client's first entry; undefined if there is none. Clients that are held up keep their place. */
  shift(heldUp?: ReadonlySet<string>): T | undefined {
    for (const [client, entries] of this.#clients) {
      if (heldUp?.has(client) === true) continue;
      const entry = entries.shift();
      // A Map keeps its order: this client goes behind the others.
      this.#clients.delete(client);
      if (entries.length > 0) this.#clients.set(client, entries);
      this.#size -= 1;
      return entry;
    }
    return undefined;
  }
}
