// Spreads the restarts of all daemons, so that a crash of many at once does not start many at once.

/** Gives out one place after another: `burst` at once, then `perSecond`. Times are monotonic milliseconds. */
export class StartPacer {
  readonly #spacingMs: number;
  readonly #burst: number;
  /** When the bucket would be full again; each place taken moves it on. */
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#spacingMs = 1000 / perSecond;
    this.#burst = burst;
  }

  /** Takes the next place; the milliseconds until it is due, 0 when it is now. */
  reserveMs(now: number): number {
    this.#fullAt = Math.max(this.#fullAt, now) + this.#spacingMs;
    return Math.max(0, Math.ceil(this.#fullAt - now - this.#burst * this.#spacingMs));
  }
}
