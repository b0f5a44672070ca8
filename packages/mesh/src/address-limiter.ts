// core: pure
import { limits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * Remembers which addresses keep failing. Only failures count: a thousand agents behind one address may all come back at
 * once, and a stranger who guesses is turned away after twenty guesses.
 */
export class AddressLimiter {
  readonly #failures = new Map<string, TokenBucket>();

  /** Whether the address has used up its failures. */
  isBlocked(address: string, now: number): boolean {
    const bucket = this.#failures.get(address);
    return bucket !== undefined && bucket.left(now) < 1;
  }

  failed(address: string, now: number): void {
    const bucket = this.#failures.get(address) ?? new TokenBucket(limits.failuresPerAddress, now);
    bucket.take(now);
    // Set anew, so that the map's order is the order of the last failures.
    this.#failures.delete(address);
    this.#failures.set(address, bucket);
    if (this.#failures.size <= limits.addressesRemembered) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      break;
    }
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#failures.size;
  }
}
