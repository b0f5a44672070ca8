import { majority } from "../../core/quorum.ts";
import { createHeartbeatRecord } from "../heartbeat-record.ts";
import type { Invariant } from "../invariant.ts";

/** @param longestLeaseMs the lease as the slowest clock allowed measures it */
export function noLeaseWithoutQuorum(voters: readonly string[], longestLeaseMs: number): Invariant {
  return {
    name: "no leader acts without a quorum for longer than the lease",
    sees: ["sent", "delivered", "instant"],
    watch: () => {
      const record = createHeartbeatRecord();
      return (fact) => {
        if (fact.type !== "instant") {
          record.see(fact);
          return null;
        }
        for (const holder of fact.leaseHolders) {
          const have = record.answeredSince(holder, fact.at - longestLeaseMs);
          if (have < majority(voters.length))
            return `${holder} holds a lease with ${have} of ${voters.length}`;
        }
        return null;
      };
    },
  };
}
