// core: pure
import type { Rate } from "./limits.ts";

/** Lets `burst` through at once and `perSecond` for long. Instants are monotonic milliseconds. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #filledAt: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAt = now;
  }

  /** True when `cost` could be taken; nothing is taken otherwise. */
  take(now: number, cost = 1): boolean {
    const left = this.left(now);
    if (left < cost) return false;
    this.#tokens = left - cost;
    return true;
  }

  /** What could be taken now. */
  left(now: number): number {
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = Math.max(now, this.#filledAt);
    return this.#tokens;
  }
}
