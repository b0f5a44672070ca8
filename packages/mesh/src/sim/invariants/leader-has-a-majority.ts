import { majority } from "../../core/quorum.ts";
import type { Invariant } from "../invariant.ts";

/** Counts what is on the voters' disks, whatever the leader has counted. */
export function leaderHasAMajority(voters: readonly string[]): Invariant {
  return {
    name: "a leader has the votes of a majority of the configuration",
    sees: ["vote_on_disk", "leads"],
    watch: () => {
      const votes = new Map<string, Set<string>>();
      return (fact) => {
        if (fact.type === "vote_on_disk" && fact.vote.votedFor !== null) {
          const key = `${fact.vote.term} ${fact.vote.votedFor}`;
          votes.set(key, (votes.get(key) ?? new Set()).add(fact.voter));
        }
        if (fact.type !== "leads") return null;
        const have = votes.get(`${fact.term} ${fact.voter}`)?.size ?? 0;
        const need = majority(voters.length);
        return have >= need ? null : `${fact.voter} leads term ${fact.term} with ${have} of ${need} votes`;
      };
    },
  };
}
