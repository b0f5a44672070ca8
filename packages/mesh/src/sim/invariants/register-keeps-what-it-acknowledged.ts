import type { RegisterValue } from "../../core/register.ts";
import type { Invariant } from "../invariant.ts";

/** Versions rise through all terms, so whoever starts a term must start from every version that an earlier one acknowledged. */
export const registerKeepsWhatItAcknowledged: Invariant = {
  name: "a value that a majority acknowledged is never lost",
  sees: ["register_ready", "register_committed"],
  watch: () => {
    const valueAt = new Map<number, string>();
    /** Newest acknowledged version, and the version started from, by term. */
    const acknowledged = new Map<number, number>();
    const startedFrom = new Map<number, number>();
    const lost = (): string | null => {
      for (const [term, from] of startedFrom)
        for (const [earlier, version] of acknowledged)
          if (earlier < term && version > from)
            return `term ${term} starts from version ${from}, but term ${earlier} acknowledged ${version}`;
      return null;
    };
    const changed = ({ version, value }: RegisterValue): string | null => {
      const before = valueAt.get(version);
      return before === undefined || before === value
        ? null
        : `version ${version} was ${before} and is ${value}`;
    };
    return (fact) => {
      if (fact.type === "register_ready") {
        startedFrom.set(fact.value.term, fact.value.version);
        return lost() ?? changed(fact.value);
      }
      if (fact.type !== "register_committed") return null;
      const { term, version, value } = fact.value;
      const wrong = changed(fact.value);
      valueAt.set(version, value);
      acknowledged.set(term, Math.max(version, acknowledged.get(term) ?? 0));
      return lost() ?? wrong;
    };
  },
};
