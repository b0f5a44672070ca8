// core: pure
import { limits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How a handshake failed: what the peer showed was refused, or it went away or silent before anything was judged. */
export type HandshakeFailure = "refused" | "hung_up";

type Failures = Readonly<Record<HandshakeFailure, TokenBucket>>;

/**
 * Remembers which addresses keep failing. Only failures count: a thousand agents behind one address may all come back at
 * once, and a stranger who guesses is turned away after twenty guesses. Who hangs up has guessed nothing, and an overloaded
 * host does so often: that is bounded apart, far higher.
 */
export class AddressLimiter {
  readonly #failures = new Map<string, Failures>();

  /** Whether the address has used up its failures of either kind. */
  isBlocked(address: string, now: number): boolean {
    const failures = this.#failures.get(address);
    return failures !== undefined && (failures.refused.left(now) < 1 || failures.hung_up.left(now) < 1);
  }

  failed(address: string, failure: HandshakeFailure, now: number): void {
    const failures = this.#failures.get(address) ?? {
      refused: new TokenBucket(limits.refusalsPerAddress, now),
      hung_up: new TokenBucket(limits.hangUpsPerAddress, now),
    };
    failures[failure].take(now);
    // Set anew, so that the map's order is the order of the last failures.
    this.#failures.delete(address);
    this.#failures.set(address, failures);
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
