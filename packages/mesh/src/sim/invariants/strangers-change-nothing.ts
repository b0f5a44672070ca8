import type { Invariant } from "../invariant.ts";

export const strangersChangeNothing: Invariant = {
  name: "who is not a voter of the configuration changes nothing",
  sees: ["stranger_heard"],
  watch: () => (fact) => {
    if (fact.type !== "stranger_heard") return null;
    if (fact.effects > 0) return `${fact.voter} answers a stranger`;
    return fact.before === fact.after
      ? null
      : `a stranger moves ${fact.voter} from ${fact.before} to ${fact.after}`;
  },
};
