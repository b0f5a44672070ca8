import type { Invariant } from "../invariant.ts";
import { ownTerm } from "../own-term.ts";

export const termNeverFalls: Invariant = {
  name: "a voter's term never falls, across restarts too",
  sees: ["sent", "vote_on_disk", "wiped"],
  watch: () => {
    const told = new Map<string, number>();
    const onDisk = new Map<string, number>();
    const see = (highest: Map<string, number>, voter: string, term: number): string | null => {
      const before = highest.get(voter) ?? 0;
      if (term > before) highest.set(voter, term);
      return term < before ? `the term of ${voter} is ${term} after ${before}` : null;
    };
    return (fact) => {
      if (fact.type === "vote_on_disk") return see(onDisk, fact.voter, fact.vote.term);
      if (fact.type === "wiped") {
        // It begins anew; the rules about votes and leaders hold it to what it forgot.
        told.delete(fact.voter);
        onDisk.delete(fact.voter);
      }
      if (fact.type !== "sent" || fact.packet.kind !== "election") return null;
      return see(told, fact.from, ownTerm(fact.packet.message));
    };
  },
};
