import type { ElectionMessage, PersistedVote } from "../core/election.ts";

/** Watches one run; each hook returns what is wrong, or null. Only what left a voter counts, not what it thought. */
export interface Watch {
  readonly onSend?: (from: string, to: string, message: ElectionMessage) => string | null;
  readonly onPersist?: (voter: string, vote: PersistedVote) => string | null;
  /** After every step: the voters that may act as leader at this instant. */
  readonly onInstant?: (leaseHolders: readonly string[]) => string | null;
}

export interface Invariant {
  readonly name: string;
  readonly watch: () => Watch;
}
