import { RingRiftError } from "@ringrift/protocol";

/** One profile of the election's times, milliseconds; their relations are checked by `validateTiming`. */
export interface ElectionTiming {
  /** Between two heartbeats of a leader. */
  readonly heartbeatMs: number;
  /** A follower campaigns after a random silence between these two. */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  /** How long after sending a heartbeat that a majority acknowledged a leader may act. */
  readonly leaseMs: number;
}

/** For servers on one local network. */
export const defaultElectionTiming: ElectionTiming = {
  heartbeatMs: 200,
  electionTimeoutMinMs: 1_000,
  electionTimeoutMaxMs: 2_000,
  leaseMs: 800,
};

/** Two clocks may differ in speed by this ratio before a lease and a new leader could overlap. */
export const clockDriftAllowance = 1.25;

/** The times of an election contradict one another; `relation` is the one that does not hold. */
export class ElectionTimingError extends RingRiftError {
  readonly relation: string;

  constructor(relation: string, actual: string) {
    super(`Election timing must satisfy ${relation}, but ${actual}.`, {
      code: "ELECTION_TIMING",
      nextStep: "Change one of the two times, or use the default profile.",
    });
    this.relation = relation;
  }
}

/**
 * Returns the timing when its relations hold.
 *
 * @throws {ElectionTimingError} naming the first relation that does not
 */
export function validateTiming(timing: ElectionTiming): ElectionTiming {
  const { heartbeatMs, electionTimeoutMinMs, electionTimeoutMaxMs, leaseMs } = timing;
  const relations: readonly (readonly [boolean, string, string])[] = [
    [
      [heartbeatMs, electionTimeoutMinMs, electionTimeoutMaxMs, leaseMs].every(Number.isFinite) &&
        heartbeatMs > 0,
      "every time finite and heartbeatMs > 0",
      `heartbeatMs is ${heartbeatMs}, electionTimeoutMinMs ${electionTimeoutMinMs}, electionTimeoutMaxMs ${electionTimeoutMaxMs}, leaseMs ${leaseMs}`,
    ],
    [
      heartbeatMs * 2 <= leaseMs,
      "heartbeatMs * 2 <= leaseMs",
      `heartbeatMs is ${heartbeatMs} and leaseMs ${leaseMs}`,
    ],
    [
      leaseMs * clockDriftAllowance <= electionTimeoutMinMs,
      `leaseMs * ${clockDriftAllowance} <= electionTimeoutMinMs`,
      `leaseMs is ${leaseMs} and electionTimeoutMinMs ${electionTimeoutMinMs}`,
    ],
    [
      electionTimeoutMinMs < electionTimeoutMaxMs,
      "electionTimeoutMinMs < electionTimeoutMaxMs",
      `electionTimeoutMinMs is ${electionTimeoutMinMs} and electionTimeoutMaxMs ${electionTimeoutMaxMs}`,
    ],
  ];
  for (const [holds, relation, actual] of relations) {
    if (!holds) throw new ElectionTimingError(relation, actual);
  }
  return timing;
}
