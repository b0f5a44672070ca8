// The two times by which a daemon must be heard of: ready after its start, alive while it runs. Monotonic milliseconds.

/** One deadline that signs of life push back. */
export class Watchdog {
  readonly #everyMs: number;
  #dueAt: number;

  constructor(everyMs: number, now: number) {
    this.#everyMs = everyMs;
    this.#dueAt = now + everyMs;
  }

  /** A sign of life; a longer time asked for earlier stays. */
  alive(now: number): void {
    this.#dueAt = Math.max(this.#dueAt, now + this.#everyMs);
  }

  /** The daemon asks for this much from now; less than it already has changes nothing. */
  extend(byMs: number, now: number): void {
    this.#dueAt = Math.max(this.#dueAt, now + byMs);
  }

  /** Milliseconds until it is overdue; 0 when it is. */
  dueInMs(now: number): number {
    return Math.max(0, this.#dueAt - now);
  }
}
