// core: pure
import type { MemberFrame, StatusFrame } from "@ringrift/protocol";
import { compareEpochs, type Epoch, parseEpoch } from "./core/epoch.ts";

/** A server's word older than this is no longer believed, milliseconds. */
const staleMs = 5_000;

/** What one server said last, and when this node heard it. */
export interface Word {
  readonly voter: string;
  readonly status: StatusFrame;
  readonly epoch: Epoch;
  readonly at: number;
}

export interface KnownMember {
  readonly frame: MemberFrame;
  readonly at: number;
}

/** What an agent believes of the cluster: one server's word at a time, never a mixture. Instants are monotonic milliseconds. */
export class Belief {
  readonly #words = new Map<string, Word>();
  /** Members by the server that told of them. */
  readonly #members = new Map<string, Map<string, KnownMember>>();
  /** Whose word was believed last. */
  #lastVoter: string | null = null;
  #lastHeardAt: number | null = null;
  /** The highest generation that any server told of. */
  #generation = 0;

  /** False when it is not to be believed: a server that has not heard of the new back end yet must not be followed back. */
  hear(voter: string, status: StatusFrame, now: number): boolean {
    const epoch = parseEpoch(status.epoch);
    if (epoch.generation < this.#generation) return false;
    this.#generation = epoch.generation;
    this.#words.set(voter, { voter, status, epoch, at: now });
    this.#lastHeardAt = now;
    const known = status.full ? new Map<string, KnownMember>() : (this.#members.get(voter) ?? new Map());
    for (const frame of status.members) known.set(frame.id, { frame, at: now });
    this.#members.set(voter, known);
    return true;
  }

  /** The server's link is gone, and its word with it. */
  forget(voter: string): void {
    this.#words.delete(voter);
  }

  /** When any server was last heard; null before the first. */
  get lastHeardAt(): number | null {
    return this.#lastHeardAt;
  }

  /**
   * The word to believe: fresh, of the newest generation, from a server that knows a leader, of the highest epoch. Among
   * equals the server believed last goes on: what two servers say may be a moment apart, and would go back and forth.
   */
  word(now: number): Word | null {
    const last = this.#lastVoter === null ? undefined : this.#words.get(this.#lastVoter);
    let best: Word | null = last !== undefined && this.#counts(last, now) ? last : null;
    for (const word of this.#words.values()) {
      if (this.#counts(word, now) && (best === null || compareWords(word, best) > 0)) best = word;
    }
    if (best !== null) this.#lastVoter = best.voter;
    return best;
  }

  #counts({ at, epoch }: Word, now: number): boolean {
    return now - at <= staleMs && epoch.generation === this.#generation;
  }

  /** The list of the server whose word is believed; without one, the newest list there was. */
  members(now: number): ReadonlyMap<string, KnownMember> {
    this.word(now);
    return (this.#lastVoter === null ? undefined : this.#members.get(this.#lastVoter)) ?? new Map();
  }
}

function compareWords(a: Word, b: Word): number {
  return (
    Number(a.status.leaderVoter !== null) - Number(b.status.leaderVoter !== null) ||
    Number(a.status.quorum.held) - Number(b.status.quorum.held) ||
    compareEpochs(a.epoch, b.epoch)
  );
}
