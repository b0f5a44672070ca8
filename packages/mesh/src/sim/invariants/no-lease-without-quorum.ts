import { majority } from "../../core/quorum.ts";
import type { Invariant } from "../invariant.ts";
import { watchQuorum } from "./quorum-watch.ts";

/** @param longestLeaseMs the lease as the slowest clock allowed measures it */
export function noLeaseWithoutQuorum(voters: readonly string[], longestLeaseMs: number): Invariant {
  return watchQuorum(
    "no leader acts without a quorum for longer than the lease",
    ({ at, leaseHolders }, answeredSince) => {
      for (const holder of leaseHolders) {
        const have = answeredSince(holder, at - longestLeaseMs);
        if (have < majority(voters.length)) return `${holder} holds a lease with ${have} of ${voters.length}`;
      }
      return null;
    },
  );
}
