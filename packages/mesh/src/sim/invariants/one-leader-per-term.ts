import type { Invariant } from "../invariant.ts";

export const oneLeaderPerTerm: Invariant = {
  name: "one leader per term",
  sees: ["sent", "leads"],
  watch: () => {
    const leaders = new Map<number, string>();
    const see = (voter: string, term: number): string | null => {
      const leader = leaders.get(term);
      if (leader === undefined) leaders.set(term, voter);
      return leader === undefined || leader === voter
        ? null
        : `${leader} and ${voter} both lead term ${term}`;
    };
    return (fact) => {
      if (fact.type === "leads") return see(fact.voter, fact.term);
      if (fact.type !== "sent" || fact.packet.kind !== "election") return null;
      const { message } = fact.packet;
      return message.type === "lead" ? see(fact.from, message.term) : null;
    };
  },
};
