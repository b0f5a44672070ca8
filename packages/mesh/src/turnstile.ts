// core: pure
import { limits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Of the newest handshake in the running mean. */
const weightOfLast = 1 / 32;

/**
 * Lets in as many as the server can greet, and tells the others when to come again: one after the other, so that a thousand
 * who come at once need two attempts each and not twenty.
 */
export class Turnstile {
  readonly #accepts: TokenBucket;
  /** When the last turn that was given comes, monotonic milliseconds. */
  #lastTurnAt: number;
  /** How long a handshake takes of late, milliseconds. */
  #handshakeMs = 0;

  constructor(now: number) {
    this.#accepts = new TokenBucket(limits.accepts, now);
    this.#lastTurnAt = now;
  }

  /** Whether someone may come in now. */
  enter(now: number): boolean {
    return this.#accepts.take(now);
  }

  /** A handshake is over, however it ended. */
  noteHandshake(durationMs: number): void {
    this.#handshakeMs += (durationMs - this.#handshakeMs) * weightOfLast;
  }

  /**
   * How long someone who may not come in now should wait, milliseconds; null where too many wait already. Turns are a little
   * further apart than what is let in, which leaves room for those who come without one; where handshakes are slow, as far
   * apart as they end, since only so many go on at once (Little's law).
   */
  turn(now: number): number | null {
    const apart = Math.max(1000 / limits.turnsPerSecond, this.#handshakeMs / limits.pendingPerAddress);
    const at = Math.max(this.#lastTurnAt, now) + apart;
    if (at - now > limits.longestTurnMs) return null;
    this.#lastTurnAt = at;
    return Math.ceil(at - now);
  }
}
