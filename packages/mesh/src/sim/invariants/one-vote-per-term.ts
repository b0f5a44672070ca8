import type { Invariant } from "../invariant.ts";

export const oneVotePerTerm: Invariant = {
  name: "at most one vote per voter and term",
  sees: ["sent", "wiped"],
  watch: () => {
    const votes = new Map<string, string>();
    return (fact) => {
      if (fact.type === "wiped") forgetCandidacies(votes, fact.voter);
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

/** Who lost its disk stands no more where nobody had heard of it yet; what it gave others it must not give again. */
function forgetCandidacies(votes: Map<string, string>, voter: string): void {
  for (const [key, candidate] of votes)
    if (candidate === voter && key.startsWith(`${voter} `)) votes.delete(key);
}
