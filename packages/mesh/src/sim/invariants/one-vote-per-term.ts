import type { Invariant } from "../invariant.ts";

export const oneVotePerTerm: Invariant = {
  name: "at most one vote per voter and term",
  sees: ["sent", "wiped", "leads"],
  watch: () => {
    const votes = new Map<string, string>();
    /** For whom a voter voted before it lost its disk. */
    const forgotten = new Map<string, Set<string>>();
    const leaders = new Set<string>();
    /** A forgotten vote must not be given anew once it has made a leader, or where it still makes one. */
    const givenAnew = (key: string, term: number): string | null => {
      const candidate = votes.get(key);
      for (const before of forgotten.get(key) ?? [])
        if (candidate !== undefined && before !== candidate && leaders.has(`${before} in term ${term}`))
          return `${key} votes for ${candidate}, and before it lost its disk for ${before}, who leads`;
      return null;
    };
    return (fact) => {
      if (fact.type === "wiped") forget(votes, forgotten, fact.voter);
      if (fact.type === "leads") {
        const { voter, term } = fact;
        leaders.add(`${voter} in term ${term}`);
        for (const [key, candidates] of forgotten)
          if (candidates.has(voter)) {
            const problem = key.endsWith(` in term ${term}`) ? givenAnew(key, term) : null;
            if (problem !== null) return problem;
          }
      }
      if (fact.type !== "sent" || fact.packet.kind !== "election") return null;
      const { from, to, packet } = fact;
      const { message } = packet;
      if (message.type !== "vote" && !(message.type === "vote_reply" && message.granted)) return null;
      const candidate = message.type === "vote" ? from : to;
      const key = `${from} in term ${message.term}`;
      const before = votes.get(key) ?? candidate;
      votes.set(key, before);
      if (before !== candidate) return `${key} votes for ${before} and for ${candidate}`;
      return givenAnew(key, message.term);
    };
  },
};

function forget(votes: Map<string, string>, forgotten: Map<string, Set<string>>, voter: string): void {
  for (const [key, candidate] of votes) {
    if (!key.startsWith(`${voter} `)) continue;
    votes.delete(key);
    forgotten.set(key, (forgotten.get(key) ?? new Set()).add(candidate));
  }
}
