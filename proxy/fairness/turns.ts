import { limitKey } from "../../common/http/client-address.ts";
import { FairQueue } from "./fair-queue.ts";

/** Reads that are parsed in one turn of the event loop at most, and as many of those that wait. */
const perTurn = 64;

/**
 * Bounds the parsing in one turn of the event loop. The system can report a thousand readable connections at once, and
 * Node handles all of them before it looks at any other. Here a few are parsed in each turn. The others wait, clients
 * take turns, and what tunnels carry comes between.
 */
export class Turns {
  readonly #queue = new FairQueue<() => void>();
  #left = perTurn;
  #isScheduled = false;
  readonly #ipv6Prefix: number;
  readonly #heldUp: ReadonlySet<string>;

  /** @param heldUp keys of clients with so many requests that wait for a replica that no more are parsed */
  constructor(ipv6Prefix: number, heldUp: ReadonlySet<string>) {
    this.#ipv6Prefix = ipv6Prefix;
    this.#heldUp = heldUp;
  }

  /** True: there is room to parse a read now. False: it must `wait`. */
  take(): boolean {
    if (this.#left === 0 || this.#queue.size > 0 || this.#heldUp.size > 0) return false;
    this.#left -= 1;
    // The second half asks for the next turn, so that single reads cost nothing.
    if (this.#left < perTurn / 2) this.#schedule();
    return true;
  }
  /**
   * Calls `go` in a later turn.
   *
   * @param client its canonical address; undefined: a trusted proxy, whose clients count as one
   */
  wait(client: string | undefined, go: () => void): void {
    this.#queue.push(client === undefined ? "" : limitKey(client, this.#ipv6Prefix), go);
    this.#schedule();
  }
  /** Clients that were held up may go on. */
  goOn(): void {
    if (this.#queue.size > 0) this.#schedule();
  }
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#next);
  }
  readonly #next = (): void => {
    this.#isScheduled = false;
    this.#left = perTurn;
    // What is added meanwhile waits for the next turn.
    for (let left = Math.min(perTurn, this.#queue.size); left > 0; left--) {
      const go = this.#queue.shift(this.#heldUp);
      // All that are left are held up. `goOn` follows.
      if (go === undefined) return;
      go();
    }
    this.goOn();
  };
}
