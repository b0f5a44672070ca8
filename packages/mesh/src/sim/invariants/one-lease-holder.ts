import type { Invariant } from "../invariant.ts";

export const oneLeaseHolder: Invariant = {
  name: "never two lease holders",
  sees: ["instant"],
  watch: () => (fact) =>
    fact.type === "instant" && fact.leaseHolders.length > 1
      ? `${fact.leaseHolders.join(" and ")} hold a lease at the same instant`
      : null,
};
