import type { Invariant } from "../invariant.ts";

export const oneVotePerTerm: Invariant = {
  name: "at most one vote per voter and term",
  watch: () => {
    const votes = new Map<string, string>();
    return {
      onSend: (from, to, message) => {
        const candidate = message.type === "vote" ? from : to;
        const isVote = message.type === "vote" || (message.type === "vote_reply" && message.granted);
        if (!isVote) return null;
        const key = `${from} in term ${message.term}`;
        const before = votes.get(key) ?? candidate;
        votes.set(key, before);
        return before === candidate ? null : `${key} votes for ${before} and for ${candidate}`;
      },
    };
  },
};
