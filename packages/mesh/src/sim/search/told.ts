import type { ElectionMessage, PersistedVote } from "../../core/election.ts";
import { ownTerm } from "../own-term.ts";

/** What a voter cannot take back: the highest term that it told or has on disk, and the vote that it told in it. */
export type Told = PersistedVote;

export const nothingTold: Told = { term: 0, votedFor: null };

/** What is told once this is on disk too. */
export function written(told: Told, { term }: PersistedVote): Told {
  return term > told.term ? { term, votedFor: null } : told;
}

/** What is told once `message` has left for `to`. */
export function said(told: Told, self: string, to: string, message: ElectionMessage): Told {
  const term = Math.max(told.term, ownTerm(message));
  return { term, votedFor: voteIn(self, to, message) ?? (term === told.term ? told.votedFor : null) };
}

/** What is wrong with a message that leaves after all that was told, or null. */
export function contradiction(told: Told, self: string, to: string, message: ElectionMessage): string | null {
  const term = ownTerm(message);
  if (term < told.term) return `${self} is in term ${term} after term ${told.term}`;
  const vote = voteIn(self, to, message);
  const other = term === told.term && told.votedFor !== vote ? told.votedFor : null;
  return vote === null || other === null
    ? null
    : `${self} votes for ${other} and for ${vote} in term ${term}`;
}

/** Whom a message votes for; null when it is no vote. */
function voteIn(self: string, to: string, message: ElectionMessage): string | null {
  if (message.type === "vote") return self;
  return message.type === "vote_reply" && message.granted ? to : null;
}
