// core: pure
import type { ServerClock } from "@ringrift/protocol";

/** How often each server is asked: clocks drift by less than 10 ms in that time. */
export const clockAskMs = 60_000;
/** An answer that is older tells nothing of now. */
const forgetMs = 5 * clockAskMs;

interface Answer {
  readonly server: string;
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/**
 * The servers' clocks beside this node's, by NTP's reckoning (RFC 5905, section 8) with a server that answers at once: it told its
 * time somewhere between the question and its answer, so half of that span bounds the error, whatever way was the slow one.
 */
export class ServerClocks {
  /** The question that a server has not answered yet, by voter id. */
  readonly #asked = new Map<string, number>();
  readonly #answers = new Map<string, Answer>();

  /** @returns what the answer will repeat */
  ask(voter: string, now: number): number {
    this.#asked.set(voter, now);
    return now;
  }

  /** Takes a server's answer; one to no question, or to an older one, is passed over. */
  take(
    { voter, server }: { readonly voter: string; readonly server: string },
    answer: { readonly askedAt: number; readonly wallMs: number },
    { now, wallMs }: { readonly now: number; readonly wallMs: number },
  ): void {
    if (this.#asked.get(voter) !== answer.askedAt) return;
    this.#asked.delete(voter);
    // The monotonic clock measures the way, so that a step of this node's clock meanwhile does not.
    const uncertaintyMs = Math.max(0, now - answer.askedAt) / 2;
    const offsetMs = wallMs - (answer.wallMs + uncertaintyMs);
    this.#answers.set(voter, { server, offsetMs, uncertaintyMs, at: now });
  }

  /** The link is gone: what it answers from now on is to another link's question. */
  forget(voter: string): void {
    this.#asked.delete(voter);
    this.#answers.delete(voter);
  }

  /** The newest answer of each server. */
  view(now: number): ServerClock[] {
    return [...this.#answers.values()]
      .filter(({ at }) => now - at <= forgetMs)
      .map(({ server, offsetMs, uncertaintyMs, at }) => ({
        server,
        offsetSeconds: offsetMs / 1000,
        uncertaintySeconds: uncertaintyMs / 1000,
        ageSeconds: Math.max(0, now - at) / 1000,
      }));
  }
}
