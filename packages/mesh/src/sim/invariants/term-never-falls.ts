import type { Invariant } from "../invariant.ts";
import { ownTerm } from "../own-term.ts";

export const termNeverFalls: Invariant = {
  name: "a voter's term never falls, across restarts too",
  sees: ["sent", "vote_on_disk"],
  watch: () => {
    const highest = new Map<string, number>();
    const see = (what: string, term: number): string | null => {
      const before = highest.get(what) ?? 0;
      if (term > before) highest.set(what, term);
      return term < before ? `${what} is ${term} after ${before}` : null;
    };
    return (fact) => {
      if (fact.type === "vote_on_disk") return see(`the term of ${fact.voter}`, fact.vote.term);
      if (fact.type !== "sent" || fact.packet.kind !== "election") return null;
      return see(`the term of ${fact.from}`, ownTerm(fact.packet.message));
    };
  },
};
