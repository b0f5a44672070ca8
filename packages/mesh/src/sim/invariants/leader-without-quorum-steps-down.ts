import { majority } from "../../core/quorum.ts";
import type { Invariant } from "../invariant.ts";
import { watchQuorum } from "./quorum-watch.ts";

/** @param longestMs from the last round that a majority answered to the end of the leadership */
export function leaderWithoutQuorumStepsDown(voters: readonly string[], longestMs: number): Invariant {
  return watchQuorum("a leader that no majority answers steps down", ({ at, leaders }, answeredSince) => {
    const since = at - longestMs;
    const alone = leaders.find(
      (leader) => leader.since < since && answeredSince(leader.id, since) < majority(voters.length),
    );
    if (alone === undefined) return null;
    return `${alone.id} has led for ${longestMs.toFixed(0)} ms without a majority's answer`;
  });
}
