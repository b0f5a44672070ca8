import type { Invariant } from "../invariant.ts";

export const oneLeaderPerTerm: Invariant = {
  name: "one leader per term",
  watch: () => {
    const leaders = new Map<number, string>();
    return {
      onSend: (from, _to, message) => {
        if (message.type !== "lead") return null;
        const leader = leaders.get(message.term) ?? from;
        leaders.set(message.term, leader);
        return leader === from ? null : `${leader} and ${from} both lead term ${message.term}`;
      },
    };
  },
};
