import type { Invariant } from "../invariant.ts";

export const oneVotePerTerm: Invariant = {
  name: "at most one vote per voter and term",
  sees: ["sent"],
  watch: () => {
    const votes = new Map<string, string>();
    return (fact) => {
      if (fact.type !== "sent" || fact.packet.kind !== "election") return null;
      const { from, to, packet } = fact;
      const { message } = packet;
      if (message.type !== "vote" && !(message.type === "vote_reply" && message.granted)) return null;
      const candidate = message.type === "vote" ? from : to;
      const key = `${from} in term ${message.term}`;
      const before = votes.get(key) ?? candidate;
      votes.set(key, before);
      return before === candidate ? null : `${key} votes for ${before} and for ${candidate}`;
    };
  },
};
