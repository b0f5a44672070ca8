import type { AgreedCopy } from "@ringrift/protocol";
import { majority } from "../../core/quorum.ts";
import { compareStamps } from "../../core/register.ts";
import type { Invariant } from "../invariant.ts";

/**
 * Versions count the writes: who comes later has at least as many behind it, and the same of them. Where a majority has lost its
 * disks at once, what was agreed in the terms until then cannot be kept.
 */
export function agreedValueIsNeverLost(voters: readonly string[]): Invariant {
  return {
    name: "an agreed value is never lost, and none is agreed beside it",
    sees: ["agreed", "vote_on_disk", "wiped"],
    watch: () => {
      const remembering = new Set<string>();
      /** In the order of their stamps, which need not be the order in which a majority was counted. */
      let agreed: AgreedCopy[] = [];
      let highestTerm = 0;
      let lostUntil = 0;
      const see = (voter: string, copy: AgreedCopy): string | null => {
        const place = agreed.findLastIndex((earlier) => compareStamps(earlier, copy) <= 0) + 1;
        const [before, after] = [agreed[place - 1], agreed[place]];
        agreed.splice(place, 0, copy);
        if (before !== undefined && !follows(before, copy)) return broken(voter, before, copy);
        return after !== undefined && !follows(copy, after) ? broken(voter, copy, after) : null;
      };
      return (fact) => {
        if (fact.type === "vote_on_disk") {
          remembering.add(fact.voter);
          highestTerm = Math.max(highestTerm, fact.vote.term);
        }
        if (fact.type === "wiped") {
          remembering.delete(fact.voter);
          if (voters.length - remembering.size >= majority(voters.length)) {
            lostUntil = highestTerm;
            agreed = [];
          }
        }
        return fact.type === "agreed" && fact.copy.term > lostUntil ? see(fact.voter, fact.copy) : null;
      };
    },
  };
}

function follows(before: AgreedCopy, after: AgreedCopy): boolean {
  if (after.version === before.version) return after.value === before.value;
  return after.version > before.version;
}

function broken(voter: string, before: AgreedCopy, after: AgreedCopy): string {
  return `${described(after)} is agreed after ${described(before)}, says ${voter}`;
}

function described({ term, version, value }: AgreedCopy): string {
  return `"${value}" of ${term}.${version}`;
}
