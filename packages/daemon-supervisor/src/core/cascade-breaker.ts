// Pauses restarts of non-critical daemons when too many restart at once over all of them.

export interface CascadeLimits {
  readonly restarts: number;
  readonly windowMs: number;
  /** In the first `windowMs` after the supervisor's start the limit is this. */
  readonly restartsAtStart: number;
}

/** Restarts of the start phase count against the start phase's limit only. */
export class CascadeBreaker {
  readonly #limits: CascadeLimits;
  readonly #calmFrom: number;
  #restarts: number[] = [];

  constructor(now: number, limits: CascadeLimits) {
    this.#limits = limits;
    this.#calmFrom = now + limits.windowMs;
  }

  /** Milliseconds until a restart may happen; 0 is now. Critical daemons are never held back. */
  waitMs(now: number, critical: boolean): number {
    if (critical) return 0;
    const starting = now < this.#calmFrom;
    const limit = starting ? this.#limits.restartsAtStart : this.#limits.restarts;
    const counted = this.#restarts.filter(
      (at) => now - at < this.#limits.windowMs && (starting || at >= this.#calmFrom),
    );
    const blocking = counted.at(-limit);
    if (blocking === undefined) return 0;
    const untilFree = blocking + this.#limits.windowMs - now;
    return starting ? Math.min(untilFree, this.#calmFrom - now) : untilFree;
  }

  /** Counts one restart, critical or not. */
  record(now: number): void {
    const most = Math.max(this.#limits.restarts, this.#limits.restartsAtStart);
    this.#restarts = [...this.#restarts, now].slice(-most);
  }
}
