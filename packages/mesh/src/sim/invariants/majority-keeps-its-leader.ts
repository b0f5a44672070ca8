import type { Invariant } from "../invariant.ts";

export const majorityKeepsItsLeader: Invariant = {
  name: "trouble of a minority deposes no leader",
  sees: ["settled", "leads"],
  watch: () => {
    let leader: string | null = null;
    return (fact) => {
      if (fact.type === "settled") leader = fact.leader;
      if (fact.type !== "leads" || leader === null) return null;
      return `${fact.voter} takes the lead in term ${fact.term} from ${leader}, which a majority heard`;
    };
  },
};
