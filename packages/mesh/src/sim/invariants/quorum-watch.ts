import { createHeartbeatRecord } from "../heartbeat-record.ts";
import type { Fact, Invariant } from "../invariant.ts";

type Instant = Extract<Fact, { type: "instant" }>;
/** Voters, the leader among them, that answered what it sent at `since` or later. */
type AnsweredSince = (leader: string, since: number) => number;

/** An invariant about each instant, by what heartbeats were answered until then. */
export function watchQuorum(
  name: string,
  problem: (instant: Instant, answeredSince: AnsweredSince) => string | null,
): Invariant {
  return {
    name,
    sees: ["sent", "delivered", "instant"],
    watch: () => {
      const record = createHeartbeatRecord();
      return (fact) => {
        if (fact.type === "instant") return problem(fact, record.answeredSince);
        record.see(fact);
        return null;
      };
    },
  };
}
