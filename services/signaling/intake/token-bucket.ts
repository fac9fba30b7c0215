/**
 * A token bucket of `burst` tokens, refilled at `perSecond`; times are of one clock, in ms. A class, for each
 * connection has several, and functions of their own would be most of their memory.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Takes that number of tokens. Takes none and returns false if there are fewer. */
  take(at: number, count = 1): boolean {
    this.#refill(at);
    // A full bucket lets a message pass that costs more than the bucket holds.
    if (this.#tokens < Math.min(count, this.#burst)) return false;
    this.#tokens -= count;
    return true;
  }
  isFull(at: number): boolean {
    this.#refill(at);
    return this.#tokens === this.#burst;
  }
  #refill(at: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((at - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = at;
  }
}
