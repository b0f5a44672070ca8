import type { Invariant } from "../invariant.ts";

export const statusRaisesNoTerm: Invariant = {
  name: "what is said of the leader raises no voter's term",
  sees: ["status_heard"],
  watch: () => (fact) =>
    fact.type === "status_heard" && fact.before !== fact.after
      ? `${fact.voter} goes from term ${fact.before} to ${fact.after} by hearsay`
      : null,
};
