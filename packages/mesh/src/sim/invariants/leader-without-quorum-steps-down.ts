import { majority } from "../../core/quorum.ts";
import { createHeartbeatRecord } from "../heartbeat-record.ts";
import type { Invariant } from "../invariant.ts";

/** @param longestMs from the last round that a majority answered to the end of the leadership */
export function leaderWithoutQuorumStepsDown(voters: readonly string[], longestMs: number): Invariant {
  return {
    name: "a leader that no majority answers steps down",
    sees: ["sent", "delivered", "instant"],
    watch: () => {
      const record = createHeartbeatRecord();
      return (fact) => {
        if (fact.type !== "instant") {
          record.see(fact);
          return null;
        }
        const since = fact.at - longestMs;
        for (const leader of fact.leaders) {
          const alone = record.answeredSince(leader.id, since) < majority(voters.length);
          if (leader.since < since && alone)
            return `${leader.id} has led for ${longestMs.toFixed(0)} ms without a majority's answer`;
        }
        return null;
      };
    },
  };
}
