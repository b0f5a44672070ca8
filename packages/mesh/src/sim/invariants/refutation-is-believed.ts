import type { Invariant } from "../invariant.ts";

export const refutationIsBelieved: Invariant = {
  name: "a member with a newer incarnation is alive everywhere in time",
  sees: ["refutation_settled"],
  watch: () => (fact) => {
    if (fact.type !== "refutation_settled") return null;
    return fact.listed.every((state) => state === "alive")
      ? null
      : `${fact.member} came back ${fact.afterMs} ms ago and is listed ${fact.listed.join(", ")}`;
  },
};
