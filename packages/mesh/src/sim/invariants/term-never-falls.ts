import type { ElectionMessage } from "../../core/election.ts";
import type { Invariant } from "../invariant.ts";

export const termNeverFalls: Invariant = {
  name: "a voter's term never falls, across restarts too",
  watch: () => {
    const highest = new Map<string, number>();
    const see = (voter: string, term: number): string | null => {
      const before = highest.get(voter) ?? 0;
      highest.set(voter, Math.max(before, term));
      return term < before ? `${voter} is in term ${term} after term ${before}` : null;
    };
    return {
      onSend: (from, _to, message) => {
        const term = ownTerm(message);
        return term === null ? null : see(from, term);
      },
      onPersist: (voter, vote) => see(voter, vote.term),
    };
  },
};

/** The sender's own term; the poll speaks of a term that nobody is in yet. */
function ownTerm(message: ElectionMessage): number | null {
  if (message.type === "pre_vote") return message.term - 1;
  if (message.type === "pre_vote_reply") return message.voterTerm;
  return message.term;
}
