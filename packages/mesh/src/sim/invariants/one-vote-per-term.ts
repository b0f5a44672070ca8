import type { Fact, Invariant } from "../invariant.ts";

export const oneVotePerTerm: Invariant = {
  name: "at most one vote per voter and term",
  sees: ["sent", "wiped", "leads"],
  watch: () => {
    const register = createRegister();
    return (fact) => {
      switch (fact.type) {
        case "wiped":
          register.forget(fact.voter);
          return null;
        case "leads":
          return register.leads(fact.voter, fact.term);
        case "sent":
          return register.votes(fact);
        default:
          return null;
      }
    };
  },
};

/** Who voted for whom. A vote that was forgotten with a disk must not be given anew where it made a leader. */
function createRegister() {
  const votes = new Map<string, string>();
  /** For whom a voter voted before it lost its disk. */
  const forgotten = new Map<string, Set<string>>();
  const leaders = new Set<string>();

  const givenAnew = (key: string, term: number): string | null => {
    const candidate = votes.get(key);
    for (const before of forgotten.get(key) ?? [])
      if (candidate !== undefined && before !== candidate && leaders.has(`${before} in term ${term}`))
        return `${key} votes for ${candidate}, and before it lost its disk for ${before}, who leads`;
    return null;
  };

  return {
    forget: (voter: string): void => {
      for (const [key, candidate] of votes) {
        if (!key.startsWith(`${voter} `)) continue;
        votes.delete(key);
        forgotten.set(key, (forgotten.get(key) ?? new Set()).add(candidate));
      }
    },
    leads: (voter: string, term: number): string | null => {
      leaders.add(`${voter} in term ${term}`);
      for (const key of forgotten.keys()) {
        const problem = key.endsWith(` in term ${term}`) ? givenAnew(key, term) : null;
        if (problem !== null) return problem;
      }
      return null;
    },
    votes: ({ from, to, packet }: Extract<Fact, { type: "sent" }>): string | null => {
      if (packet.kind !== "election") return null;
      const { message } = packet;
      if (message.type !== "vote" && !(message.type === "vote_reply" && message.granted)) return null;
      const candidate = message.type === "vote" ? from : to;
      const key = `${from} in term ${message.term}`;
      const before = votes.get(key) ?? candidate;
      votes.set(key, before);
      if (before !== candidate) return `${key} votes for ${before} and for ${candidate}`;
      return givenAnew(key, message.term);
    },
  };
}
